"""The atlas: one pattern of each group, moved by any operation of any group, and what that changes.

All exact: what an operation of the group itself changes is nothing. Knows no page.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dashboard.making.files import png
from wallpaper.patterns import generate_pattern
from wallpaper.pictures.overlay import render_with_elements
from wallpaper.pictures.render import render
from wallpaper.plane import GROUP_NAMES, Lattice, Op, plane_group
from wallpaper.symmetry import permutation, residuals

SIDE = 192
"""Samples of a pattern along each axis: a multiple of 12, so that every operation is a permutation of them."""

CELLS = 2.0

KINDS = ("pattern", "elements", "moved", "difference")

MOST_SEED = 99_999

OPERATIONS: dict[str, Op] = {op.xyz: op for name in GROUP_NAMES for op in plane_group(name).operations}
"""Every operation of every group, by its coordinate triplet."""


@dataclass(frozen=True, slots=True)
class Check:
    """What an operation does to a pattern."""

    largest: float
    """Largest change of a sample, of 255."""
    changed: float
    """Share of the samples that change."""


def picture(group: str, seed: int, kind: str, by: str = "x,y", size: int = 360) -> bytes:
    """A PNG of a group's pattern: itself, with its elements, moved, or how much moving changes. Blocks.

    Raises: ValueError: an unknown group, kind or operation, or a seed or size out of range.
    """
    if kind not in KINDS or by not in OPERATIONS or not 0 <= seed <= MOST_SEED or not 16 <= size <= 720:
        raise ValueError(f"`kind`, `by`, `seed` and `size` must be known, but got {kind!r}, {by!r}, {seed}, {size}")
    return _picture(plane_group(group).name, seed, kind, by, size)


@lru_cache(maxsize=256)
def _picture(group: str, seed: int, kind: str, by: str, size: int) -> bytes:
    pixels, lattice = pattern(group, seed)
    if kind == "elements":
        operations = plane_group(group).operations
        return png(
            render_with_elements(pixels, lattice, operations, size=size, cells=CELLS, centre=(0.5, 0.5), around=0.5)
        )
    if kind != "pattern":
        after = moved(pixels, OPERATIONS[by])
        pixels = after if kind == "moved" else np.abs(pixels.astype(np.int16) - after).astype(np.uint8)
    return png(render(pixels, lattice, size=size, cells=CELLS, centre=(0.5, 0.5)))


@lru_cache(maxsize=64)
def pattern(group: str, seed: int) -> tuple[NDArray[np.uint8], Lattice]:
    """(n, n, 3) and its lattice. Blocks."""
    found = generate_pattern(group, seed, SIDE)
    return found.pixels, found.lattice


def moved(pixels: NDArray[np.uint8], operation: Op) -> NDArray[np.uint8]:
    """(n, n, 3) f(g x) of f(x): a permutation of the samples."""
    side = len(pixels)
    return pixels.reshape(side * side, -1)[permutation(operation, side)].reshape(pixels.shape)


def check(group: str, seed: int, by: str) -> Check:
    """How much an operation changes a group's pattern. Blocks. Raises: KeyError: an unknown operation."""
    pixels, _ = pattern(plane_group(group).name, seed)
    operation = OPERATIONS[by]
    largest = float(residuals(np.moveaxis(pixels, -1, 0), (operation,))[0])
    changed = float((pixels != moved(pixels, operation)).any(axis=-1).mean())
    return Check(largest, changed)
