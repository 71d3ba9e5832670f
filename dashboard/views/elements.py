"""Symmetry elements over a stretch of the plane, as plain numbers for a page to draw on a moving lattice.

Where they lie is exact; the page only scales. Knows no model and no frame.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from wallpaper.plane import Op, symmetry_elements
from wallpaper.plane.elements import Line


@dataclass(frozen=True, slots=True)
class Elements:
    """In fractional coordinates, so that they stay right while the cell is stretched."""

    lines: tuple[tuple[float, float, float, float, int], ...]
    """Both ends x, y, and 1 for a glide, 0 for a mirror."""
    centres: tuple[tuple[float, float, int, int, int], ...]
    """x, y, order, and the direction of a mirror through it; 0, 0 if there is none."""

    def to_lists(self) -> dict[str, Any]:
        """In types that JSON knows."""
        return {"lines": [list(line) for line in self.lines], "centres": [list(centre) for centre in self.centres]}


def element_set(operations: Iterable[Op], reach: int) -> Elements:
    """All elements of a group within `reach` cells of the origin, translates included.

    >>> len(element_set([Op.parse("x,y"), Op.parse("-x,y")], 1).lines)
    5
    """
    found = symmetry_elements(operations)
    steps = range(-reach - 1, reach + 1)
    centres = []
    for centre in found.centres:
        x, y = (float(value) for value in centre.point)
        dx, dy = next((line.direction for line in found.mirrors if line.passes(centre.point)), (0, 0))
        centres += [
            (x + i, y + j, centre.order, dx, dy)
            for i in steps for j in steps if max(abs(x + i), abs(y + j)) <= reach
        ]  # fmt: skip
    lines = [end for line in (*found.glides, *found.mirrors) for end in _translates(line, reach)]
    return Elements(tuple(lines), tuple(centres))


def _translates(line: Line, reach: int) -> Iterable[tuple[float, float, float, float, int]]:
    """p x = offset + k for every k in reach, long enough to leave it on both sides."""
    (p, q), (u, v) = line.normal, line.direction
    most = reach * (abs(p) + abs(q))
    for k in range(math.floor(-most - line.offset), math.ceil(most - line.offset) + 1):
        offset = float(line.offset) + k
        if abs(offset) > most:
            continue
        x, y = offset * p / (p * p + q * q), offset * q / (p * p + q * q)
        long = 2.0 * reach
        yield (
            round(x - long * u, 4), round(y - long * v, 4), round(x + long * u, 4), round(y + long * v, 4),
            int(bool(line.glide)),
        )  # fmt: skip
