"""Exact symmetry operations of the plane, in fractional coordinates.

An `Op` is the Seitz pair (W | w): x' = W x + w modulo the lattice. W holds integers and w counts
twelfths, so equality, hashing and closure are exact; nothing here knows about tensors or pixels.
Notation: International Tables for Crystallography A (2016), section 1.2.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import product
from typing import TypeAlias

Matrix: TypeAlias = tuple[tuple[int, int], tuple[int, int]]
Shift: TypeAlias = tuple[int, int]

DEN = 12
"""Denominator of every shift: the standard settings need halves; thirds and quarters occur in subgroups."""

IDENTITY_MATRIX: Matrix = ((1, 0), (0, 1))

_TERM = re.compile(r"([+-]?)(?:(\d*)([xy])|(\d+(?:/\d+)?))")
"""A signed multiple of x or y, or a signed fraction."""


def multiply(a: Matrix, b: Matrix) -> Matrix:
    """The integer matrix product a b."""
    return (
        (a[0][0] * b[0][0] + a[0][1] * b[1][0], a[0][0] * b[0][1] + a[0][1] * b[1][1]),
        (a[1][0] * b[0][0] + a[1][1] * b[1][0], a[1][0] * b[0][1] + a[1][1] * b[1][1]),
    )


def transform(matrix: Matrix, vector: Shift) -> Shift:
    """The integer matrix-vector product."""
    return (
        matrix[0][0] * vector[0] + matrix[0][1] * vector[1],
        matrix[1][0] * vector[0] + matrix[1][1] * vector[1],
    )


def determinant(matrix: Matrix) -> int:
    """Determinant of an integer matrix."""
    return matrix[0][0] * matrix[1][1] - matrix[0][1] * matrix[1][0]


def unimodular_inverse(matrix: Matrix) -> Matrix:
    """Inverse of an integer matrix with determinant 1 or -1.

    Raises: ValueError: any other determinant, because the inverse would not be integer.
    """
    det = determinant(matrix)
    if det not in (1, -1):
        raise ValueError(f"`determinant(matrix) in (1, -1)` must hold, but got {det} for {matrix}")
    (a, b), (c, d) = matrix
    return ((det * d, -det * b), (-det * c, det * a))


@cache
def small_unimodular() -> tuple[Matrix, ...]:
    """All integer matrices with entries -1, 0, 1 and determinant 1 or -1.

    Every isometry of a reduced basis is among them, and enough changes of axes to align any two groups.
    """
    matrices = (((a, b), (c, d)) for a, b, c, d in product((-1, 0, 1), repeat=4))
    return tuple(matrix for matrix in matrices if determinant(matrix) in (1, -1))


@dataclass(frozen=True, order=True)
class Op:
    """One operation (W | w) of a plane group, shifts in [0, 1) as numerators over `DEN`.

    >>> glide = Op.parse("-x+1/2,y+1/2")
    >>> (glide @ glide).xyz
    'x,y'
    """

    rot: Matrix
    shift: Shift = (0, 0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shift", (self.shift[0] % DEN, self.shift[1] % DEN))

    @classmethod
    def parse(cls, text: str) -> Op:
        """Read International Tables' coordinate triplet notation, for example ``-x+1/2,y``.

        Raises: ValueError: not two comma-separated sums of multiples of x, y and 1/12.
        """
        parts = text.replace(" ", "").lower().split(",")
        if len(parts) != 2:
            raise ValueError(f"an operation must have two coordinates such as '-x+1/2,y', but got {text!r}")
        rows = [_parse_coordinate(part, text) for part in parts]
        return cls((rows[0][0], rows[1][0]), (rows[0][1], rows[1][1]))

    def __matmul__(self, first: Op) -> Op:
        """`g @ h` applies h first, then g: (W_g W_h | W_g w_h + w_g)."""
        moved = transform(self.rot, first.shift)
        return Op(multiply(self.rot, first.rot), (moved[0] + self.shift[0], moved[1] + self.shift[1]))

    def inverse(self) -> Op:
        """The operation that undoes this one: (W^-1 | -W^-1 w)."""
        rot = unimodular_inverse(self.rot)
        moved = transform(rot, self.shift)
        return Op(rot, (-moved[0], -moved[1]))

    @property
    def det(self) -> int:
        """1 for rotations and translations, -1 for reflections and glides."""
        return determinant(self.rot)

    @property
    def order(self) -> int:
        """Order of the matrix part: 1, 2, 3, 4 or 6."""
        power, count = self.rot, 1
        while power != IDENTITY_MATRIX:
            power, count = multiply(power, self.rot), count + 1
            if count > 6:
                raise ValueError(f"`W` must have order 1, 2, 3, 4 or 6, but got {self.rot}")
        return count

    @property
    def xyz(self) -> str:
        """Coordinate notation, the inverse of `parse`."""
        return ",".join(_format_coordinate(row, s) for row, s in zip(self.rot, self.shift, strict=True))

    def __str__(self) -> str:
        return self.xyz


IDENTITY = Op(IDENTITY_MATRIX)

MOST_OPERATIONS = 96
"""More than any plane group needs on any cell used here; a larger closure is a mistake in the generators."""


def close(generators: Iterable[Op]) -> tuple[Op, ...]:
    """The group generated modulo lattice translations, sorted with the identity first.

    Raises: ValueError: more than `MOST_OPERATIONS` operations, so the generators are not those of a plane group.
    """
    generators = tuple(generators)
    found, frontier = {IDENTITY}, {IDENTITY}
    while frontier:
        frontier = {g @ op for g in generators for op in frontier} - found
        found |= frontier
        if len(found) > MOST_OPERATIONS:
            names = [g.xyz for g in generators]
            raise ValueError(f"generators must close to at most {MOST_OPERATIONS} operations, but {names} do not")
    return (IDENTITY, *sorted(found - {IDENTITY}))


def _parse_coordinate(text: str, whole: str) -> tuple[tuple[int, int], int]:
    """Coefficients of x and y, and the shift in twelfths."""
    coefficients, shift, position = {"x": 0, "y": 0}, Fraction(0), 0
    for term in _TERM.finditer(text):
        sign, multiple, name, fraction = term.groups()
        if term.start() != position or (position and not sign):
            break
        position = term.end()
        factor = -1 if sign == "-" else 1
        if name:
            coefficients[name] += factor * int(multiple or 1)
        else:
            shift += factor * Fraction(fraction)
    twelfths = shift * DEN
    if position != len(text) or not text or twelfths.denominator != 1:
        raise ValueError(f"a coordinate must be a sum of multiples of x, y and 1/{DEN}, but got {text!r} in {whole!r}")
    return (coefficients["x"], coefficients["y"]), int(twelfths)


def _format_coordinate(row: tuple[int, int], shift: int) -> str:
    text = "".join(
        f"{'-' if value < 0 else '+'}{'' if abs(value) == 1 else abs(value)}{name}"
        for value, name in zip(row, "xy", strict=True)
        if value
    )
    text += f"+{Fraction(shift, DEN)}" if shift else ""
    return text.removeprefix("+") or "0"
