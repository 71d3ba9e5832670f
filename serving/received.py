"""What a client gets: an answer of the service as typed values, arrays instead of base64.

Pictures are decoded once, when they are asked for. Knows neither servers nor models.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wallpaper.plane import Lattice


@dataclass(frozen=True, eq=False)
class Transition:
    """One transition as it was answered."""

    source: str
    target: str
    common_group: str
    """The subgroup that both groups share, where the target lies over the source."""
    route: tuple[str, ...]
    """All groups on the way, both ends included."""
    times: NDArray[np.float64]
    """(T,) from 0 to 1."""
    latents: NDArray[np.float32]
    """(T, d)."""
    lattices: tuple[Lattice, ...]
    """T primitive cells."""
    rotations: tuple[float, ...]
    """T directions of the lattices' first vectors, in degrees from x."""
    nfe: int
    """Evaluations of the velocity field."""
    path_length: float
    pngs: tuple[bytes, ...]
    """T files with format "png", else none."""
    file: bytes | None
    """The one file of the formats "gif", "mp4" and "strip"."""
    certificates: Mapping[str, Any] | None
    """What the judge found in the first and the last frame, if it was asked."""
    start: Mapping[str, Any]
    """Where it started."""
    model: Mapping[str, Any]
    """Name, version, run and digests of the model that answered."""

    @cached_property
    def frames(self) -> NDArray[np.uint8]:
        """(T, size, size, 3); no frame unless the format is "png"."""
        pictures = [np.asarray(Image.open(io.BytesIO(content)).convert("RGB")) for content in self.pngs]
        return np.stack(pictures) if pictures else np.empty((0, 0, 0, 3), np.uint8)


def read_answer(answer: Mapping[str, Any]) -> Transition:
    """An answer as JSON has it, read. Raises: KeyError, ValueError: it is none."""
    file = answer.get("file")
    return Transition(
        source=answer["source_group"],
        target=answer["target_group"],
        common_group=answer["common_subgroup"],
        route=tuple(answer["route"]),
        times=np.array(answer["times"]),
        latents=_array(answer["latents"]),
        lattices=tuple(Lattice(cell["a"], cell["b"], cell["gamma"]) for cell in answer["lattices"]),
        rotations=tuple(answer["rotations"]),
        nfe=answer["nfe"],
        path_length=answer["path_length"],
        pngs=tuple(base64.b64decode(text) for text in answer.get("frames", ())),
        file=None if file is None else base64.b64decode(file),
        certificates=answer["certificates"],
        start=answer["start"],
        model=answer["model"],
    )


def _array(numbers: Mapping[str, Any]) -> NDArray[np.float32]:
    values = np.frombuffer(base64.b64decode(numbers["data"]), dtype="<f4")
    return values.reshape(numbers["shape"]).astype(np.float32)
