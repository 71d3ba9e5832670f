"""What a trained model can do, measured: reconstruction, symmetry, and transport between the groups.

Symmetry is counted on the transitions of all 272 ordered pairs, by permuting the samples of their
frames, and judged by `wallpaper.judge`, which is not told the group. Transport compares end points
with held-out latents of the target. Knows no tracker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wallpaper.data import Latents, PatternStore, encode_all
from wallpaper.frames import decode_frames
from wallpaper.judge import identify
from wallpaper.models.transition_model import TransitionModel
from wallpaper.plane import GROUP_NAMES, Lattice, align, plane_group, primitive_operations
from wallpaper.plane.lattice import Metric
from wallpaper.plane.relations import primitive_vectors
from wallpaper.symmetry import residuals
from wallpaper.training.transport_metrics import PairMetrics, all_pairs, pair_table, summary
from wallpaper.training.vae_losses import psnr
from wallpaper.transition import LATENT_SOLVER, LATENT_STEPS, basis_path, smooth_step

BATCH = 64
RECONSTRUCTED = 40
"""Patterns of each group that are reconstructed, at most."""
DECODED = 8
"""Decoded images of each group whose symmetry is looked at."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """How well the VAE gives patterns back that it decodes from their latent means."""

    split: str
    psnr: float
    """dB over all samples and colours of at most `RECONSTRUCTED` patterns of each group."""
    psnr_by_group: dict[str, float]


@dataclass(frozen=True, slots=True)
class ExactSymmetry:
    """Largest difference between samples that an operation maps to each other, 0 where symmetry is exact."""

    decoded: float
    """Of decoded float32 images, over all operations of all groups."""
    decoded_uint8: float
    """The same of their 8-bit versions, in grey levels."""
    first_frames: float
    """Of every transition's first frame, under the source group."""
    last_frames: float
    """Of every transition's last frame, under the target group."""
    inner_frames: float
    """Of the frame half-way, under the common subgroup."""
    pairs: int
    """Transitions looked at."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Share of images that the judge, knowing the lattice alone, finds to have exactly the group they are meant for.

    Exact symmetry does not settle it: a dull image can have more symmetry than it should.
    """

    decoded: float
    """Of decoded 8-bit images, at most `DECODED` of each group."""
    first_frames: float
    """Of the transitions' first frames, one for each source group."""
    last_frames: float
    """Of the last frames of all transitions."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One model on one dataset."""

    reconstructions: tuple[Reconstruction, ...]
    symmetry: ExactSymmetry
    judged: Judged
    transport: tuple[PairMetrics, ...]
    """One row for each ordered pair of groups."""

    def metrics(self) -> dict[str, float]:
        """Flat numbers for a tracker, all under "eval/"."""
        found = {f"eval/psnr_{each.split}": each.psnr for each in self.reconstructions}
        found |= {
            f"eval/residual_{name}": float(value) for name, value in asdict(self.symmetry).items() if name != "pairs"
        }
        found |= {f"eval/judged_{name}": value for name, value in asdict(self.judged).items()}
        mean = summary(self.transport)
        found |= {f"eval/{name}": value for name, value in mean.items()}
        found["eval/wasserstein2_over_floor"] = mean["wasserstein2"] / mean["wasserstein2_floor"]
        found["eval/collapsed_pairs"] = float(sum(row.variance_ratio < 0.5 for row in self.transport))
        return found

    def to_mapping(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {**asdict(self), "metrics": self.metrics()}


def evaluate(
    model: TransitionModel,
    store: PatternStore,
    *,
    split: str = "test",
    progress: Progress = lambda done, total: None,
) -> Evaluation:
    """Measure a model on a split of a dataset, with its training split beside it.

    Args:
        store: patterns of the model's resolution or a multiple of it.
        split: "test" or "val".
        progress: gets (pairs done, 272).
    Raises: ValueError: the store's side does not fit, or a group has fewer than two patterns in the split.
    """
    for name in (split, "train"):
        _check_enough(store, name)
    latents = encode_all(store, model.vae, side=model.resolution)
    held_out, train = latents.take(store.splits[split]), latents.take(store.splits["train"])
    reconstructions = tuple(
        _reconstruction(model, store, part, name) for name, part in ((split, held_out), ("train", train))
    )
    symmetry, judged = _symmetry(model, held_out, progress)
    table = pair_table(model.ode, held_out, train, solver=LATENT_SOLVER, steps=LATENT_STEPS)
    return Evaluation(reconstructions, symmetry, judged, tuple(table))


def _check_enough(store: PatternStore, split: str) -> None:
    """Distances between distributions need two points: said before anything is computed."""
    counts = np.bincount(store.labels[store.splits[split]], minlength=len(GROUP_NAMES))
    few = [name for group, name in enumerate(GROUP_NAMES) if group in store.labels and counts[group] < 2]
    if few:
        raise ValueError(
            f"the {split} split of {store.path} must hold at least two patterns of every group, but holds fewer of "
            f"{', '.join(few)}; use a dataset with more patterns of each group"
        )


@torch.no_grad()
def _reconstruction(model: TransitionModel, store: PatternStore, latents: Latents, split: str) -> Reconstruction:
    chosen = torch.cat([(latents.labels == g).nonzero()[:RECONSTRUCTED, 0] for g in range(len(GROUP_NAMES))])
    errors = []
    for rows in chosen.split(BATCH):
        image = store.batch(latents.index[rows], side=model.resolution)
        decoded = model.vae.decode(latents.mean[rows], latents.labels[rows])
        errors.append((decoded - image).square().flatten(1).mean(1))
    error, labels = torch.cat(errors), latents.labels[chosen]
    by_group = {
        name: psnr(float(error[labels == g].mean())) for g, name in enumerate(GROUP_NAMES) if bool((labels == g).any())
    }
    return Reconstruction(split, psnr(float(error.mean())), by_group)


@torch.no_grad()
def _symmetry(model: TransitionModel, held_out: Latents, progress: Progress) -> tuple[ExactSymmetry, Judged]:
    """First frame, a frame in the middle and last frame of each pair, from the source's first held-out latent.

    The paths of all pairs are solved together; its frames are those of `transition`.
    """
    decoded, decoded_uint8, decoded_right = _decoded(model, held_out)
    pairs = all_pairs(held_out.labels.tolist())
    labels = torch.tensor(pairs)
    start = torch.stack([held_out.mean[held_out.labels == source][0] for source, _ in pairs])
    path = model.ode.solve(start, labels[:, 0], labels[:, 1], (0.0, 0.5, 1.0), solver=LATENT_SOLVER, steps=LATENT_STEPS)
    largest = {"first": 0.0, "last": 0.0, "inner": 0.0}
    first_right: dict[str, bool] = {}
    last_right = 0
    for done, (source, target) in enumerate(pairs):
        alignment = align(GROUP_NAMES[source], GROUP_NAMES[target])
        frames = decode_frames(model.vae, path.latents[:, done], alignment, smooth_step(path.times)).numpy()
        found = {
            "first": _largest(frames[0], primitive_operations(alignment.source)),
            "inner": _largest(frames[1], alignment.common),
            "last": _largest(frames[2], alignment.target_operations),
        }
        largest = {name: max(value, found[name]) for name, value in largest.items()}
        group = plane_group(GROUP_NAMES[source])
        first, last = basis_path(Lattice.standard(group.system).basis @ primitive_vectors(group), alignment, [0.0, 1.0])
        if alignment.source not in first_right:
            first_right[alignment.source] = _is(alignment.source, frames[0], first)
        last_right += _is(alignment.target, frames[2], last)
        progress(done + 1, len(pairs))
    exact = ExactSymmetry(decoded, decoded_uint8, largest["first"], largest["last"], largest["inner"], len(pairs))
    return exact, Judged(decoded_right, sum(first_right.values()) / len(first_right), last_right / len(pairs))


@torch.no_grad()
def _decoded(model: TransitionModel, latents: Latents) -> tuple[float, float, float]:
    """Largest residual of decoded images as float32 and as uint8, and the share judged to have exactly their group."""
    largest, largest_uint8, right = 0.0, 0.0, []
    for index in sorted(set(latents.labels.tolist())):
        mean = latents.mean[latents.labels == index][:DECODED]
        image: Tensor = model.vae.decode(mean, torch.full((len(mean),), index))
        group = plane_group(index)
        narrow = (image * 255).round().byte().numpy()
        largest = max(largest, _largest(image.numpy(), group.operations))
        largest_uint8 = max(largest_uint8, _largest(narrow, group.operations))
        right += [_is(group.name, each, Lattice.standard(group.system).basis) for each in narrow]
    return largest, largest_uint8, sum(right) / len(right)


def _is(group: str, image: np.ndarray[Any, Any], basis: Metric) -> bool:
    """Whether the judge finds exactly this group in (3, n, n) samples of one cell; never in a flat image."""
    try:
        return identify(np.moveaxis(image, 0, -1), Lattice.from_metric(basis.T @ basis)).group == group
    except ValueError:
        return False


def _largest(image: np.ndarray[Any, Any], operations: tuple[Any, ...]) -> float:
    return float(residuals(image, operations).max())
