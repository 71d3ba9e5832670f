"""Checked requests in, answers out: each starts somewhere, follows its path, and is decoded with the others.

Requests come in several threads at once, so a call changes nothing that another sees. Knows no MLflow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from serving.answers import describe, draw
from serving.images import find_cell
from serving.refusals import Refusal, in_row
from serving.requests import Limits, Options, Request, check_pair, parse_options, parse_requests
from wallpaper.data.samples import Samples
from wallpaper.models.solvers import SolveError
from wallpaper.models.transition_model import TransitionModel
from wallpaper.patterns import generate_pattern
from wallpaper.plane import Lattice
from wallpaper.transition import LatentPath, encode, latent_path, show

FRAMES_TOGETHER = 256
"""Frames in memory at a time, about; a request may ask for more."""

LARGEST_STATE = 1e6
"""Latents beyond this are no path any more; pictures' are of order one."""


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """Where one transition starts."""

    group: str
    latent: Tensor
    """(d,)."""
    lattice: Lattice | None
    """None for the group's typical one."""
    about: dict[str, Any]
    """What the answer says of it."""


class Service:
    """A model with its samples, answering requests."""

    def __init__(self, model: TransitionModel, samples: Samples, about: Mapping[str, Any]) -> None:
        """Args: about: what every answer says of the model."""
        self.model, self.samples, self.about = model, samples, dict(about)
        self.limits = Limits(model.vae.latent_dim, samples.groups)

    def answer(self, rows: Sequence[Mapping[str, Any]], params: Mapping[str, Any] | None) -> list[dict[str, Any]]:
        """One answer for each row, in order. Raises: Refusal."""
        options = parse_options(params)
        requests = parse_requests(rows, options, self.limits)
        starts, paths = [], []
        for index, request in enumerate(requests):
            with in_row(index, len(requests)):
                starts.append(self._start(request, options))
                paths.append(self._path(starts[-1], request.target, options))
        answers = [
            describe(path, options) | {"start": start.about, "model": self.about}
            for path, start in zip(paths, starts, strict=True)
        ]
        if options.format != "latent" or options.certify:
            drawn = (draw(result, options) for some in _batches(paths) for result in show(self.model, some))
            answers = [answer | rest for answer, rest in zip(answers, drawn, strict=True)]
        return answers

    def _path(self, start: Start, target: str, options: Options) -> LatentPath:
        try:
            path = latent_path(
                self.model,
                start.latent,
                start.group,
                target,
                lattice=start.lattice,
                n_frames=options.n_frames,
                route=options.route,
            )
        except SolveError:
            path = None
        if path is None or not bool((path.latents.abs() <= LARGEST_STATE).all()):
            raise Refusal("latent: must lie where pictures do, but the path from it leaves all bounds", 422)
        return path

    def _start(self, request: Request, options: Options) -> Start:
        if request.latent is not None:
            return Start(request.source, torch.from_numpy(request.latent), None, {"kind": "latent"})
        if request.image is not None:
            return self._start_at_image(request, options)
        if request.sample_id is not None:
            sample = self.samples.by_id[request.sample_id]
            image, about = torch.from_numpy(sample.pixels).float() / 255, {"sample_id": request.sample_id}
            return self._encoded("sample", sample.group, image, sample.lattice, about)
        assert request.seed is not None
        try:
            pattern = generate_pattern(request.source, request.seed, self.model.resolution)
        except RuntimeError:
            raise Refusal(
                f"seed: must be one with an acceptable {request.source}, but got {request.seed}; use another", 422
            ) from None
        image = torch.from_numpy(pattern.pixels).float() / 255
        return self._encoded("seed", request.source, image, pattern.lattice, {"seed": request.seed})

    def _start_at_image(self, request: Request, options: Options) -> Start:
        assert request.image is not None
        found = find_cell(request.image, self.model.resolution, request.source)
        check_pair(found.group, request.target, options)
        measured = found.certificate.lattice
        about = {
            "group": found.group,
            "probability": found.certificate.probability,
            "margin": found.certificate.margin,
            "lattice": {"a": measured.a, "b": measured.b, "gamma": measured.gamma},
            "cells_in_view": found.cells_in_view,
        }
        return self._encoded("image", found.group, torch.from_numpy(found.cell.copy()), found.lattice, about)

    def _encoded(self, kind: str, group: str, pixels: Tensor, lattice: Lattice, about: dict[str, Any]) -> Start:
        """The start at a cell's pixels (n, n, 3) in [0, 1]."""
        latent = encode(self.model, pixels.permute(2, 0, 1).contiguous(), group)
        return Start(group, latent, lattice, {"kind": kind, **about})


def _batches(paths: Sequence[LatentPath]) -> Iterator[list[LatentPath]]:
    """The paths in order, about `FRAMES_TOGETHER` frames in each batch; no frame depends on its batch."""
    batch: list[LatentPath] = []
    for path in paths:
        if batch and sum(len(each.times) for each in batch) + len(path.times) > FRAMES_TOGETHER:
            yield batch
            batch = []
        batch.append(path)
    yield batch
