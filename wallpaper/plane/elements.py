"""Symmetry elements: where the rotation centres, mirror lines and glide lines of a set of operations lie.

Exact fractions throughout. Adding a lattice translation to an operation moves its element or changes its glide
vector (International Tables for Crystallography A (2016), 1.2.2.4 and 1.4.2), so one cell's elements follow from the
operations and few translations; translating them over the lattice gives all. Knows nothing of metrics or pixels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import product
from math import gcd
from typing import Literal, TypeAlias

from wallpaper.plane.operation import DEN, IDENTITY_MATRIX, Matrix, Op, Shift, close, determinant

Point: TypeAlias = tuple[Fraction, Fraction]

HALF = Fraction(1, 2)

_CELLS: tuple[Shift, ...] = tuple((u, v) for u, v in product(range(4), repeat=2))
"""Translations t that reach every element: det(I - W) <= 4 for rotations, and lines only need t modulo 2."""


@dataclass(frozen=True, order=True, slots=True)
class Centre:
    """A rotation centre of the cell."""

    point: Point
    """Fractional coordinates in [0, 1)."""
    order: int
    """Highest order of a rotation about it: 2, 3, 4 or 6."""
    mirrors: int
    """Number of mirror lines through it: 0 or `order`."""


@dataclass(frozen=True, order=True, slots=True)
class Line:
    """A mirror or glide line p x + q y = offset of the cell; whole numbers added to `offset` give its translates."""

    direction: Shift
    """Shortest whole-number vector along the line, first entry that is not zero positive."""
    normal: Shift
    """(p, q), whole numbers without a common divisor; p x + q y = 0 for x along the line."""
    offset: Fraction
    """In [0, 1)."""
    glide: Fraction
    """Shortest glide vector as a share of `direction`, in [0, 1/2]; 0 for a mirror."""

    @property
    def kind(self) -> Literal["mirror", "glide"]:
        """A line is a mirror wherever it can be one: its other operations are the mirror and a translation."""
        return "glide" if self.glide else "mirror"

    def passes(self, point: Point) -> bool:
        """Whether the line or a translate of it goes through the point."""
        return (_dot(self.normal, point) - self.offset).denominator == 1


@dataclass(frozen=True, slots=True)
class Elements:
    """All symmetry elements of one cell, each once modulo the cell's translations, sorted."""

    centres: tuple[Centre, ...]
    lines: tuple[Line, ...]

    @property
    def mirrors(self) -> tuple[Line, ...]:
        """The mirror lines."""
        return tuple(line for line in self.lines if not line.glide)

    @property
    def glides(self) -> tuple[Line, ...]:
        """The glide lines, those that run between mirrors included."""
        return tuple(line for line in self.lines if line.glide)


def symmetry_elements(operations: Iterable[Op]) -> Elements:
    """The symmetry elements of a group given by its operations modulo the cell's translations.

    >>> from wallpaper.plane.groups import plane_group
    >>> found = symmetry_elements(plane_group("pg").operations)
    >>> [(line.kind, str(line.offset), str(line.glide)) for line in found.lines]
    [('glide', '0', '1/2'), ('glide', '1/2', '1/2')]

    Raises: ValueError: the operations form no group.
    """
    return _symmetry_elements(frozenset(operations))


@cache
def _symmetry_elements(operations: frozenset[Op]) -> Elements:
    if set(close(operations)) != operations:
        names = sorted(op.xyz for op in operations)
        raise ValueError(f"`close(operations) == operations` must hold, but got {names}; pass them through `close`")
    lines = _lines(op for op in operations if op.det == -1)
    orders = _orders(op for op in operations if op.det == 1 and op.rot != IDENTITY_MATRIX)
    mirrors = [line for line in lines if not line.glide]
    centres = [Centre(point, order, sum(line.passes(point) for line in mirrors)) for point, order in orders.items()]
    return Elements(tuple(sorted(centres)), lines)


def _orders(rotations: Iterable[Op]) -> dict[Point, int]:
    """Highest order at every fixed point x = (I - W)^-1 (w + t) of a rotation."""
    orders: dict[Point, int] = {}
    for op in rotations:
        for cell in _CELLS:
            point = _fixed_point(op.rot, _translation(op, cell))
            orders[point] = max(op.order, orders.get(point, 0))
    return orders


def _lines(reflections: Iterable[Op]) -> tuple[Line, ...]:
    """Every line once, with its shortest glide vector: p x = p w/2 on the line, and (w + W w)/2 along it."""
    shortest: dict[tuple[Shift, Shift, Fraction], Fraction] = {}
    for op in reflections:
        direction, normal = _axes(op.rot)
        for cell in _CELLS:
            x, y = _translation(op, cell)
            line = (direction, normal, _dot(normal, (x, y)) / 2 % 1)
            glide = _along(direction, _add((x, y), _moved(op.rot, (x, y)))) / 2 % 1
            shortest[line] = min(glide, 1 - glide, shortest.get(line, HALF))
    return tuple(sorted(Line(*line, glide) for line, glide in shortest.items()))


def _axes(matrix: Matrix) -> tuple[Shift, Shift]:
    """Direction d with W d = d and normal p with p W = -p of a reflection: a column of W + I, a row of I - W."""
    (a, b), (c, d) = matrix
    direction = (a + 1, c) if (a + 1, c) != (0, 0) else (b, d + 1)
    normal = (1 - a, -b) if (1 - a, -b) != (0, 0) else (-c, 1 - d)
    return _primitive(direction), _primitive(normal)


def _primitive(vector: Shift) -> Shift:
    """The vector without its common divisor, first entry that is not zero positive."""
    divisor = gcd(*vector) * (-1 if vector < (0, 0) else 1)
    return vector[0] // divisor, vector[1] // divisor


def _fixed_point(rot: Matrix, shift: Point) -> Point:
    """The solution of (I - W) x = w, modulo whole numbers."""
    (a, b), (c, d) = rot
    inverse = ((1 - d, b), (c, 1 - a))  # times the determinant
    det = determinant(((1 - a, -b), (-c, 1 - d)))
    x, y = _moved(inverse, shift)
    return x / det % 1, y / det % 1


def _translation(op: Op, cell: Shift) -> Point:
    return Fraction(op.shift[0], DEN) + cell[0], Fraction(op.shift[1], DEN) + cell[1]


def _moved(matrix: Matrix, vector: Point) -> Point:
    return _dot(matrix[0], vector), _dot(matrix[1], vector)


def _add(first: Point, second: Point) -> Point:
    return first[0] + second[0], first[1] + second[1]


def _dot(row: Shift, vector: Point) -> Fraction:
    return row[0] * vector[0] + row[1] * vector[1]


def _along(direction: Shift, vector: Point) -> Fraction:
    """The multiple of `direction` that the parallel `vector` is."""
    axis = 0 if direction[0] else 1
    return vector[axis] / direction[axis]
