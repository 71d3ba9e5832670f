"""One picture as one exact cell: analysed, put into its canonical frame, projected on its group, judged again.

The picture's whole way into a pattern file; knows nothing about files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from wallpaper.judge import Analysis, analyse, identify
from wallpaper.plane import Lattice, plane_group
from wallpaper.symmetry.canonical import canonical_cell
from wallpaper.symmetry.projection import project

NEUTRAL = "imported"
"""Motif type and palette of a pattern that no generator made."""


@dataclass(frozen=True, slots=True, eq=False)
class FramedCell:
    """An exact cell and how it was found in the picture."""

    pixels: NDArray[np.uint8]
    """(n, n, 3); entry [i, j] is the sample at i/n along a, j/n along b."""
    group: str
    """Short symbol of the group that the picture has, and the cell exactly."""
    lattice: Lattice
    """Of unit area."""
    weakest_true: float
    """Of the exact cell, as the judge measured it."""
    strongest_false: float
    figures: dict[str, Any]
    """Of the picture: probability, margin, noise, distance, cell in pixels, cells in view."""


def frame_picture(picture: NDArray[np.generic], side: int) -> FramedCell | str:
    """The picture's cell with (side, side) samples, or why there is none.

    `distance` is the root mean square of what the projection changed, as a share of full range.

    Args: picture: as `analyse` takes it. side: a multiple of 4.
    Raises: ValueError: the picture's shape, type or range; see `analyse`.
    """
    found = analyse(picture, side=side)
    if found.certificate is None or found.cell is None or found.basis is None:
        return f"{found.problem}: {(found.advice or '').rstrip('.')}"
    certificate = found.certificate
    group = certificate.group
    # pixels run down, so a right-handed basis seen from the front has a negative determinant
    mirrored = float(np.linalg.det(found.basis)) > 0
    framed = canonical_cell(found.cell, certificate.lattice, group, mirrored=mirrored)
    exact = _projected(framed.cell, group)
    pixels = np.rint(np.clip(exact, 0, 1) * 255).astype(np.uint8)
    distance = float(np.sqrt(np.mean((exact - framed.cell) ** 2)))
    try:
        judged = identify(pixels, framed.lattice)
    except ValueError as error:
        return f"its exact cell cannot be judged: {error}"
    if judged.group != group:
        return f"it is nearly {group}, but its exact cell has {judged.group}: give a clearer or larger picture"
    colours = np.broadcast_to(pixels, (side, side, 3))  # grey in all three
    return FramedCell(
        np.ascontiguousarray(colours), group, framed.lattice, judged.weakest_true, judged.strongest_false,
        _figures(found, distance),
    )  # fmt: skip


def _projected(cell: NDArray[np.float64], group: str) -> NDArray[np.float64]:
    channels = torch.from_numpy(np.ascontiguousarray(np.moveaxis(cell, -1, 0)))
    projected = project(channels, plane_group(group).index).numpy()
    return np.moveaxis(projected, 0, -1)


def _figures(found: Analysis, distance: float) -> dict[str, Any]:
    certificate = found.certificate
    assert certificate is not None
    lattice = certificate.lattice
    return {
        "probability": round(certificate.probability, 6),
        "weakest_true": round(certificate.weakest_true, 6),
        "strongest_false": round(certificate.strongest_false, 6),
        "noise": round(certificate.noise, 6),
        "distance": round(distance, 6),
        "lattice_pixels": [round(lattice.a, 4), round(lattice.b, 4), round(lattice.gamma, 4)],
        "cells_in_view": round(found.cells_in_view, 2),
    }
