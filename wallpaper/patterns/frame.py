"""The sampled torus on which a design is drawn: drawing in the lattice's metric, and exact symmetrisation.

A field is drawn once, for one asymmetric copy, then combined over every orbit of samples without any order: the value
is found at one sample of the orbit and copied to the others, so it is the same there bit for bit. Knows no shapes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from wallpaper.patterns.motifs import Field
from wallpaper.plane import Lattice, PlaneGroup, plane_group
from wallpaper.symmetry import orbits_of, permutations

Indices = NDArray[np.int32]
"""Small integers on purpose: gathers are what drawing spends its time on."""
Scalar = TypeVar("Scalar", bound=np.generic)
Drawing = Callable[[Field, Field], Field]
"""From Cartesian displacements (m, 1) or (m, k) and (1, k) to fields (c, m, k)."""


@dataclass(frozen=True, slots=True)
class OrbitTable:
    """A group's orbits on side * side samples: S samples, M orbits, |G| operations."""

    members: Indices
    """(|G|, M) samples g p for the first sample p of each orbit."""
    orbit: Indices
    """(S,) which orbit each sample is in."""
    first: Indices
    """(M,) first sample of each orbit."""
    neighbours: Indices
    """(4, M) orbits of the samples after and before each first sample, along a and along b."""


@lru_cache(maxsize=64)
def orbit_table(name: str, side: int) -> OrbitTable:
    """The table of one group, by name. Raises: ValueError: `side` is no multiple of what the group needs."""
    operations = plane_group(name).operations
    first, orbit = np.unique(orbits_of(operations, side).first, return_inverse=True)
    orbit = orbit.reshape(side, side)
    beside = [np.roll(orbit, -step, axis).reshape(-1)[first] for axis in (0, 1) for step in (1, -1)]
    members = permutations(operations, side)[:, first]
    small = [np.ascontiguousarray(array, dtype=np.int32) for array in (members, orbit.reshape(-1), first, beside)]
    return OrbitTable(*small)


@dataclass(frozen=True)
class Frame:
    """Samples of one cell of a lattice with the orbits of a group. Lengths are in units of sqrt(cell area)."""

    group: PlaneGroup
    lattice: Lattice
    side: int

    @property
    def table(self) -> OrbitTable:
        """Orbits of the group on the samples."""
        return orbit_table(self.group.name, self.side)

    @cached_property
    def basis(self) -> NDArray[np.float64]:
        """(2, 2) Cartesian basis of the cell, scaled to unit area, one vector a column."""
        return self.lattice.basis / math.sqrt(self.lattice.area)

    @cached_property
    def inverse_metric(self) -> NDArray[np.float64]:
        """(2, 2) metric of the reciprocal lattice: squared length of a gradient in fractional coordinates."""
        return np.asarray(np.linalg.inv(self.basis.T @ self.basis))

    def fractions(self) -> tuple[Field, Field]:
        """Fractional coordinates of the samples, (side, 1) and (1, side)."""
        steps = np.arange(self.side, dtype=np.float32) / np.float32(self.side)
        return steps[:, None], steps[None, :]

    def blocks(
        self, centre: tuple[float, float], reach: float, draw: Drawing
    ) -> Iterator[tuple[tuple[slice, slice], Field]]:
        """Draw every sample within `reach` of a point, all its images included.

        Yields pieces (rows and columns of the torus, fields (c, rows, columns) there): one for each cell that the disc
        meets, so images of a large motif that overlap in the cell are all yielded.
        """
        i, j = (self._steps(c, reach, axis) for axis, c in enumerate(centre))
        x = (i / self.side - centre[0]).astype(np.float32)[:, None]
        y = (j / self.side - centre[1]).astype(np.float32)[None, :]
        (ax, bx), (_, by) = self.basis.astype(np.float32)
        values = draw(ax * x + bx * y, by * y + np.zeros_like(x))
        for rows, part_rows in self._cells(i):
            for columns, part_columns in self._cells(j):
                yield (rows, columns), values[:, part_rows, part_columns]

    def combine(self, field: Field, how: Literal["max", "sum"]) -> Field:
        """(..., M) maximum or sum of a field (..., side, side) over each orbit, in no order."""
        values = field.reshape(*field.shape[:-2], -1)
        reduce = np.maximum if how == "max" else np.add
        result: Field = values.take(self.table.members[0], axis=-1)
        for members in self.table.members[1:]:
            reduce(result, values.take(members, axis=-1), out=result)
        return result

    def spread(self, values: NDArray[Scalar]) -> NDArray[Scalar]:
        """(side, side, ...) samples from one value (M, ...) an orbit."""
        return values.take(self.table.orbit, axis=0).reshape(self.side, self.side, *values.shape[1:])

    def slope(self, values: Field) -> Field:
        """(M,) length of the true gradient of a field (M,) given an orbit, by central differences."""
        after_a, before_a, after_b, before_b = (values.take(beside) for beside in self.table.neighbours)
        along_a, along_b = after_a - before_a, after_b - before_b
        (aa, ab), (_, bb) = self.inverse_metric.astype(np.float32)
        squared = along_a * (aa * along_a + 2 * ab * along_b) + bb * along_b * along_b
        return np.asarray(np.sqrt(np.maximum(squared, 0)) * (self.side / 2), dtype=np.float32)

    def _steps(self, centre: float, reach: float, axis: int) -> NDArray[np.int64]:
        half = reach * math.sqrt(self.inverse_metric[axis, axis])
        return np.arange(math.floor((centre - half) * self.side), math.ceil((centre + half) * self.side) + 1)

    def _cells(self, steps: NDArray[np.int64]) -> Iterator[tuple[slice, slice]]:
        """Cut unwrapped steps at the cell's borders: (where on the torus, where in the steps)."""
        start, stop = int(steps[0]), int(steps[-1]) + 1
        for cell in range(start // self.side, (stop - 1) // self.side + 1):
            low, high = max(start, cell * self.side), min(stop, (cell + 1) * self.side)
            yield slice(low - cell * self.side, high - cell * self.side), slice(low - start, high - start)
