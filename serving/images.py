"""A client's picture of the plane: decoded within limits, then analysed into one cell with its lattice and group.

Sizes are checked before anything is decoded, and the formats are the two that are asked for.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.fields import read_bytes
from serving.refusals import Refusal
from wallpaper.judge import Certificate, analyse
from wallpaper.judge.reading import PictureTooLarge, decode_picture, unit_samples
from wallpaper.plane import Lattice

FORMATS = ("PNG", "JPEG")
MOST_IMAGE_BYTES = 4 * 2**20
MOST_IMAGE_PIXELS = 2048**2
AUTO = "auto"
"""As `source_group`: the group that the picture has."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a picture shows."""

    group: str
    cell: NDArray[np.float32]
    """(n, n, 3) in [0, 1]: one conventional cell in the standard setting."""
    lattice: Lattice
    """Of unit area."""
    certificate: Certificate
    """With lengths in the picture's pixels."""
    cells_in_view: float


def decode_image(value: Any) -> NDArray[np.generic]:
    """(H, W) or (H, W, 3) pixels of a base64 PNG or JPEG, a data URL's prefix allowed. Raises: Refusal."""
    if isinstance(value, str) and value.startswith("data:image/"):
        value = value.partition(",")[2]
    content = read_bytes("image", value, MOST_IMAGE_BYTES, "a PNG or JPEG")
    try:
        return decode_picture(io.BytesIO(content), most_pixels=MOST_IMAGE_PIXELS, formats=FORMATS)
    except PictureTooLarge as error:
        raise Refusal(f"image: {error}", 413) from None
    except Exception:  # a damaged file makes Pillow raise many kinds
        raise Refusal(f"image: must be a whole PNG or JPEG file, but got {len(content)} bytes that are none") from None


def find_cell(picture: NDArray[np.generic], side: int, source: str) -> Found:
    """The picture's cell, `side` samples along each axis.

    Args: source: the group that the client expects, or `AUTO`.
    Raises: Refusal: nothing repeats there, or it has another group.
    """
    analysis = analyse(picture, side=side)
    certificate, cell = analysis.certificate, analysis.cell
    if certificate is None or cell is None:
        size = f"{picture.shape[1]} x {picture.shape[0]} pixels"
        raise Refusal(
            f"image: must show a pattern that repeats, but got {size} with {analysis.problem}; {analysis.advice}", 422
        )
    if source not in (AUTO, certificate.group):
        raise Refusal(
            f"source_group: must be the image's group {certificate.group} (probability {certificate.probability:.3f}) "
            f"or {AUTO!r}, but got {source!r}",
            422,
        )
    colours = np.broadcast_to(unit_samples(cell), (side, side, 3))
    unit = certificate.lattice.scaled(certificate.lattice.area**-0.5)
    return Found(certificate.group, colours, unit, certificate, analysis.cells_in_view)
