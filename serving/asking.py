"""What a client asks for: rows of a request, and how many of them go into one.

The limits are the service's own. Knows neither servers nor models.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from serving.body import MOST_BODY_BYTES
from serving.requests import MOST_FRAMES, MOST_IMAGES, MOST_PIXELS, MOST_ROWS, Options

FRAMES_AT_ONCE = 128
"""Frames that a client asks for in one request, about: seconds of work, so nothing times out."""
ENVELOPE_BYTES = 4096
"""Room in a body for all but the long fields of its rows."""

Picture: TypeAlias = NDArray[np.uint8] | bytes | Path


@dataclass(frozen=True, slots=True, eq=False)
class Ask:
    """One transition to ask for. It starts at the one of the last four that is given; with none at seed 0."""

    source: str
    """A group; "auto" with an image or a sample for the group that it has."""
    target: str
    seed: int | None = None
    image: Picture | None = None
    """A picture of the plane: uint8 (H, W) or (H, W, 3), or a PNG or JPEG file's bytes or path."""
    latent: ArrayLike | None = None
    """(d,) numbers: where an earlier answer's path passed."""
    sample_id: str | None = None

    def row(self) -> dict[str, Any]:
        """The row of a request. Raises: TypeError, ValueError: an image or a latent that is none. OSError: no file."""
        starts = {
            "seed": self.seed,
            "image": None if self.image is None else _text(_file(self.image)),
            "latent": None if self.latent is None else _text(_numbers(self.latent)),
            "sample_id": self.sample_id,
        }
        given = {name: value for name, value in starts.items() if value is not None}
        return {"source_group": self.source, "target_group": self.target, **given}


def batches(rows: Sequence[dict[str, Any]], options: Options) -> Iterator[Sequence[dict[str, Any]]]:
    """The rows in order, as many at a time as one request may hold; one that is too large by itself goes alone."""
    frames = max(1, options.n_frames)
    most = max(1, min(MOST_ROWS, min(MOST_FRAMES, FRAMES_AT_ONCE) // frames))
    if options.format != "latent":
        most = max(1, min(most, MOST_PIXELS // (frames * max(1, options.size) ** 2)))
    batch: list[dict[str, Any]] = []
    for row in rows:
        if batch and not _fits([*batch, row], most):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _fits(rows: Sequence[dict[str, Any]], most: int) -> bool:
    length = ENVELOPE_BYTES + sum(256 + sum(len(str(value)) for value in row.values()) for row in rows)
    return len(rows) <= most and sum("image" in row for row in rows) <= MOST_IMAGES and length <= MOST_BODY_BYTES


def _file(image: Picture) -> bytes:
    if isinstance(image, Path):
        return image.read_bytes()
    if isinstance(image, bytes):
        return image
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        kind = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise TypeError(f"`image` must be a uint8 array, a file's bytes or its path, but got {kind}")
    with io.BytesIO() as stream:
        Image.fromarray(image).save(stream, format="PNG")
        return stream.getvalue()


def _numbers(latent: ArrayLike) -> bytes:
    values = np.asarray(latent, dtype="<f4")
    if values.ndim != 1:
        raise ValueError(f"`latent` must be (d,), but got {values.shape}")
    return values.tobytes()


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
