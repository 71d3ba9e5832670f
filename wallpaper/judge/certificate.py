"""What the judge says of a pattern: its group, how well every operation holds, and how sure that is.

Plain values that go to JSON and come back equal. A certificate speaks of one conventional cell in International
Tables' standard setting; `frame` says how that cell lies over the one that was given.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from wallpaper.plane import DEN, Lattice, LatticeSystem, PlaneGroup, plane_group

Kind: TypeAlias = Literal["identity", "translation", "rotation", "mirror", "glide"]
Vector: TypeAlias = tuple[float, float]

CERTIFICATE_FORMAT = 1


@dataclass(frozen=True, slots=True)
class MeasuredOperation:
    """One isometry of the lattice with its best translation, and how well the pattern keeps it."""

    xyz: str
    """Coordinate triplet in the standard setting, such as ``-x,y+1/2``; decimals where no twelfth is meant."""
    kind: Kind
    order: int
    """Order of the matrix part: 1, 2, 3, 4 or 6."""
    matrix: tuple[Vector, Vector]
    """Whole numbers, but for isometries of a centred cell's lattice that do not keep the cell: those have halves."""
    translation: Vector
    """In [0, 1), fractional coordinates of the standard setting."""
    correlation: float
    """Pearson correlation of f(g x) with f(x) over the cell, 1 if the operation holds."""
    residual: float
    """Root mean square of f(g x) - f(x), as a share of full range."""
    largest: float | None
    """Largest |f(g x) - f(x)| over the given samples, as a share of full range; None where g moves samples off the
    grid, or the pattern is a mean over a picture's cells."""
    holds: bool
    """Whether the operation is in the identified group."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Standard coordinates from the given ones: x_standard = `matrix` x + `shift`, in fractional coordinates."""

    matrix: tuple[Vector, Vector]
    shift: Vector


@dataclass(frozen=True, slots=True)
class Certificate:
    """The judgement of one pattern."""

    group: str
    """Short symbol of the most probable group."""
    probability: float
    """Akaike weight of that group among the 17."""
    probabilities: Mapping[str, float]
    """Akaike weights of all 17 groups, by name; they add up to 1."""
    lattice: Lattice
    """The conventional cell in the standard setting, as the group's lattice system demands."""
    measured: Lattice
    """The same cell as measured, before it was put into the system."""
    metric_system: LatticeSystem
    """The richest system that the measured metric alone would allow within the tolerance."""
    frame: Frame
    operations: tuple[MeasuredOperation, ...]
    """The group's operations modulo the conventional cell, identity first; centring translations included."""
    rejected: tuple[MeasuredOperation, ...]
    """Isometries of the lattice and shorter periods that do not hold, best first, one for each coset of the group."""
    weakest_true: float
    """Least correlation of the group's operations; 1 for p1."""
    strongest_false: float
    """Largest correlation of what the group must not have; 0 if there is nothing to reject."""
    noise: float
    """Standard deviation of what is no signal, a sample and channel, as a share of full range."""

    @property
    def plane_group(self) -> PlaneGroup:
        """The group's row of International Tables: number, full symbol, orbifold, system."""
        return plane_group(self.group)

    @property
    def margin(self) -> float:
        """Weakest true minus strongest false correlation: how clear the negative test is."""
        return self.weakest_true - self.strongest_false

    @property
    def residual(self) -> float:
        """Largest root-mean-square residual of the group's operations, as a share of full range."""
        return max(op.residual for op in self.operations)

    def to_dict(self) -> dict[str, Any]:
        """Everything, with the group's symbols and numbers, in types that JSON knows."""
        row = self.plane_group
        symbols = {
            "number": row.number,
            "hermann_mauguin": row.full_symbol,
            "orbifold": row.orbifold,
            "system": row.system,
            "space_group": row.space_group,
        }
        return {"format": CERTIFICATE_FORMAT, **symbols, "margin": self.margin, **asdict(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Certificate:
        """The inverse of `to_dict`, also after a way through JSON.

        Raises: ValueError: another format, or something missing.
        """
        if values.get("format") != CERTIFICATE_FORMAT:
            raise ValueError(f"`format == {CERTIFICATE_FORMAT}` must hold, but got {values.get('format')!r}")
        try:
            frame = values["frame"]
            return cls(
                group=plane_group(values["group"]).name,
                probability=values["probability"],
                probabilities=dict(values["probabilities"]),
                lattice=Lattice(**values["lattice"]),
                measured=Lattice(**values["measured"]),
                metric_system=values["metric_system"],
                frame=Frame(_matrix(frame["matrix"]), _vector(frame["shift"])),
                operations=tuple(_operation(each) for each in values["operations"]),
                rejected=tuple(_operation(each) for each in values["rejected"]),
                weakest_true=values["weakest_true"],
                strongest_false=values["strongest_false"],
                noise=values["noise"],
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"a certificate must be whole, but {error} is missing or wrong") from error

    def to_json(self, indent: int | None = None) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=indent)

    @classmethod
    def from_json(cls, text: str) -> Certificate:
        """The inverse of `to_json`. Raises: ValueError: no JSON, or no certificate."""
        try:
            values = json.loads(text)
        except RecursionError as error:
            raise ValueError(f"a certificate must be JSON, but {error}") from error
        if not isinstance(values, dict):
            raise ValueError(f"a certificate must be a JSON object, but got {type(values).__name__}")
        return cls.from_dict(values)


def triplet(matrix: tuple[Vector, Vector], translation: Vector) -> str:
    """Coordinate notation of x' = W x + w: twelfths where w is one to 1e-6, decimals else.

    >>> triplet(((-1, 0), (0, 1)), (0.0, 0.5)), triplet(((0, -1), (1, 0)), (0.37, 0.0))
    ('-x,y+1/2', '-y+0.370,x')
    >>> triplet(((-0.5, 1.5), (-0.5, -0.5)), (0.0, 0.0))
    '-1/2x+3/2y,-1/2x-1/2y'
    """
    return ",".join(_coordinate(row, shift) for row, shift in zip(matrix, translation, strict=True))


def _coordinate(row: Vector, shift: float) -> str:
    text = "".join(
        f"{'-' if value < 0 else '+'}{_multiple(abs(value))}{name}"
        for value, name in zip(row, "xy", strict=True)
        if value
    )
    twelfths = round(shift * DEN)
    if abs(shift * DEN - twelfths) > 1e-6 * DEN:
        text += f"+{shift:.3f}"
    elif twelfths % DEN:
        text += f"+{_FRACTIONS[twelfths % DEN]}"
    return text.removeprefix("+")


def _multiple(value: float) -> str:
    return "" if value == 1 else f"{value:g}" if value == int(value) else f"{2 * value:g}/2"


_FRACTIONS = ("0", "1/12", "1/6", "1/4", "1/3", "5/12", "1/2", "7/12", "2/3", "3/4", "5/6", "11/12")


def _operation(values: Mapping[str, Any]) -> MeasuredOperation:
    fields = {**values, "matrix": _matrix(values["matrix"]), "translation": _vector(values["translation"])}
    return MeasuredOperation(**fields)


def _vector(values: Any) -> Vector:
    x, y = values
    return (x, y)


def _matrix(values: Any) -> tuple[Vector, Vector]:
    first, second = values
    return (_vector(first), _vector(second))
