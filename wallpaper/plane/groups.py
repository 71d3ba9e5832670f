"""The 17 plane groups as rows of data, in International Tables' order, setting and origin.

Each row holds generators as International Tables for Crystallography A (2016), chapter 2.2, prints
them; closure does the rest. Cells are conventional, so cm and cmm carry their centring. Nothing here
knows about tensors or pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

from wallpaper.plane.operation import DEN, IDENTITY_MATRIX, Matrix, Op, Shift, close, transform

LatticeSystem: TypeAlias = Literal["oblique", "rectangular", "square", "hexagonal"]

LATTICE_SYSTEMS: tuple[LatticeSystem, ...] = ("oblique", "rectangular", "square", "hexagonal")


@dataclass(frozen=True)
class PlaneGroup:
    """One plane group: a row of International Tables, and what follows from its operations.

    >>> PLANE_GROUPS["pgg"].operations[1].xyz
    '-x,-y'
    >>> PLANE_GROUPS["p4g"].order, PLANE_GROUPS["p4g"].reflections, PLANE_GROUPS["p4g"].glides
    (8, 2, 4)
    """

    number: int
    """Number in International Tables, 1-17."""
    name: str
    """Short symbol, the key used everywhere in this library."""
    full_symbol: str
    """Full Hermann-Mauguin symbol."""
    orbifold: str
    """Conway's orbifold symbol."""
    system: LatticeSystem
    """Lattice system: what the operations demand of the metric."""
    generators: tuple[str, ...]

    @property
    def index(self) -> int:
        """Label of the group in datasets and embeddings, 0-16."""
        return self.number - 1

    @property
    def space_group(self) -> int:
        """Number of the polar space group that the group becomes when a third axis without symmetry is added."""
        return _SPACE_GROUPS[self.index]

    @cached_property
    def operations(self) -> tuple[Op, ...]:
        """Every operation modulo the conventional cell's translations, identity first."""
        return close(Op.parse(text) for text in self.generators)

    @cached_property
    def centring(self) -> tuple[Shift, ...]:
        """Pure translations inside the cell, in twelfths: one for p groups, two for cm and cmm."""
        return tuple(op.shift for op in self.operations if op.rot == IDENTITY_MATRIX)

    @cached_property
    def point_group(self) -> tuple[Matrix, ...]:
        """The distinct matrix parts, sorted with the identity first."""
        matrices = {op.rot for op in self.operations}
        return (IDENTITY_MATRIX, *sorted(matrices - {IDENTITY_MATRIX}))

    @property
    def order(self) -> int:
        """Order of the point group: 1 of p1, 12 of p6m."""
        return len(self.point_group)

    @property
    def rotation_order(self) -> int:
        """Highest order of a rotation: 1, 2, 3, 4 or 6."""
        return max(op.order for op in self.operations if op.det == 1)

    @property
    def reflections(self) -> int:
        """Number of directions in which mirror lines run."""
        return sum("mirror" in line_kinds(self.operations, matrix) for matrix in self._reversing)

    @property
    def glides(self) -> int:
        """Number of directions in which true glide lines run, those between mirrors included."""
        return sum("glide" in line_kinds(self.operations, matrix) for matrix in self._reversing)

    @property
    def _reversing(self) -> set[Matrix]:
        return {op.rot for op in self.operations if op.det == -1}

    def __str__(self) -> str:
        return self.name


def line_kinds(operations: tuple[Op, ...], matrix: Matrix) -> frozenset[str]:
    """Which lines, "mirror" or "glide", the reflections with this matrix part have.

    The glide vector of (W | w) is (w + W w)/2 (International Tables A, 1.2.2.4). Adding any lattice
    translation to w gives the other lines of the same direction: a line is a mirror if the vector is
    a lattice translation (which can be taken off), and a true glide if it is not.
    """
    centring = {op.shift for op in operations if op.rot == IDENTITY_MATRIX}
    kinds = set()
    for op in operations:
        if op.rot != matrix:
            continue
        for cell in ((0, 0), (DEN, 0), (0, DEN), (DEN, DEN)):
            shift = (op.shift[0] + cell[0], op.shift[1] + cell[1])
            moved = transform(matrix, shift)
            doubled = (shift[0] + moved[0], shift[1] + moved[1])
            halved = (doubled[0] // 2 % DEN, doubled[1] // 2 % DEN)
            is_translation = not (doubled[0] % 2 or doubled[1] % 2) and halved in centring
            kinds.add("mirror" if is_translation else "glide")
    return frozenset(kinds)


CENTRING = "x+1/2,y+1/2"

_ROWS: tuple[tuple[int, str, str, str, LatticeSystem, tuple[str, ...]], ...] = (
    (1, "p1", "p1", "o", "oblique", ()),
    (2, "p2", "p2", "2222", "oblique", ("-x,-y",)),
    (3, "pm", "p1m1", "**", "rectangular", ("-x,y",)),
    (4, "pg", "p1g1", "xx", "rectangular", ("-x,y+1/2",)),
    (5, "cm", "c1m1", "*x", "rectangular", (CENTRING, "-x,y")),
    (6, "pmm", "p2mm", "*2222", "rectangular", ("-x,-y", "-x,y")),
    (7, "pmg", "p2mg", "22*", "rectangular", ("-x,-y", "-x+1/2,y")),
    (8, "pgg", "p2gg", "22x", "rectangular", ("-x,-y", "-x+1/2,y+1/2")),
    (9, "cmm", "c2mm", "2*22", "rectangular", (CENTRING, "-x,-y", "-x,y")),
    (10, "p4", "p4", "442", "square", ("-x,-y", "-y,x")),
    (11, "p4m", "p4mm", "*442", "square", ("-x,-y", "-y,x", "-x,y")),
    (12, "p4g", "p4gm", "4*2", "square", ("-x,-y", "-y,x", "-x+1/2,y+1/2")),
    (13, "p3", "p3", "333", "hexagonal", ("-y,x-y",)),
    (14, "p3m1", "p3m1", "*333", "hexagonal", ("-y,x-y", "-y,-x")),
    (15, "p31m", "p31m", "3*3", "hexagonal", ("-y,x-y", "y,x")),
    (16, "p6", "p6", "632", "hexagonal", ("-y,x-y", "-x,-y")),
    (17, "p6m", "p6mm", "*632", "hexagonal", ("-y,x-y", "-x,-y", "-y,-x")),
)

_SPACE_GROUPS = (1, 3, 6, 7, 8, 25, 28, 32, 35, 75, 99, 100, 143, 156, 157, 168, 183)
"""P1, P2, Pm, Pc, Cm, Pmm2, Pma2, Pba2, Cmm2, P4, P4mm, P4bm, P3, P3m1, P31m, P6, P6mm, by index."""

PLANE_GROUPS: dict[str, PlaneGroup] = {row[1]: PlaneGroup(*row) for row in _ROWS}
"""All 17 groups by name, in the order of their numbers."""

GROUP_NAMES: tuple[str, ...] = tuple(PLANE_GROUPS)


def plane_group(name: str | int) -> PlaneGroup:
    """Look a group up by its short or full symbol, or by its index 0-16.

    Raises: ValueError: no such group; the message lists the names.
    """
    if isinstance(name, int):
        if 0 <= name < len(GROUP_NAMES):
            return PLANE_GROUPS[GROUP_NAMES[name]]
        raise ValueError(f"a group index must be in 0..16, but got {name}")
    found = PLANE_GROUPS.get(name) or _BY_FULL_SYMBOL.get(name)
    if found is None:
        raise ValueError(f"unknown wallpaper group {name!r}; one of {', '.join(GROUP_NAMES)}")
    return found


_BY_FULL_SYMBOL = {group.full_symbol: group for group in PLANE_GROUPS.values()}
