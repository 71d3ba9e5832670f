"""Whether a generated pattern is fit to be labelled: lively enough, and certified to have its group and no more.

The certificate is the judge's, which shares no code with the generator; here stand the bounds that it must meet.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wallpaper.judge import Certificate, identify
from wallpaper.plane import Lattice, PlaneGroup

FAULTS: tuple[str, ...] = ("contrast", "cover", "group", "margin", "alike")
"""Why a design is refused: too little contrast, too much of one colour, another real group, nearly another one, or too
much like an earlier one of its dataset."""

LEAST_TRUE = 0.999
"""Every operation of the group must leave the pattern at least this much alike (correlation)."""

MOST_FALSE = 0.9
"""What is not in the group, shorter periods included, must leave it less alike than this."""

LEAST_CONTRAST = 0.09
"""Least standard deviation of luminance, on a scale of 0 to 1."""

MOST_COVER = 0.75
"""Largest share of the cell that one colour may have."""

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32) / 255


def find_dullness(pixels: NDArray[np.uint8]) -> str | None:
    """ "contrast" or "cover" if one of them is out of bounds for a cell (n, n, 3), else None."""
    if float((pixels @ _LUMINANCE).std()) < LEAST_CONTRAST:
        return "contrast"
    return "cover" if _largest_cover(pixels) > MOST_COVER else None


def certify(pixels: NDArray[np.uint8], group: PlaneGroup, lattice: Lattice) -> tuple[Certificate, str | None]:
    """The judge's certificate of a cell (n, n, 3), and what is wrong with it for a pattern of `group`: one of `FAULTS`.

    Raises: ValueError: the cell is flat.
    """
    certificate = identify(pixels, lattice)
    if certificate.group != group.name or certificate.weakest_true < LEAST_TRUE:
        return certificate, "group"
    return certificate, "margin" if certificate.strongest_false > MOST_FALSE else None


def _largest_cover(pixels: NDArray[np.uint8]) -> float:
    """Share of the most frequent colour, colours told apart by their upper four bits."""
    coarse = pixels.astype(np.int64) >> 4
    counts = np.bincount((coarse[..., 0] * 256 + coarse[..., 1] * 16 + coarse[..., 2]).ravel())
    return float(counts.max() / counts.sum())
