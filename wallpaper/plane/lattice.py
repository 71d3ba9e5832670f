"""Lattices of the plane: cell lengths and angle, the metric tensor, and paths between metrics.

A metric tensor G holds the scalar products of the basis vectors, so |x|^2 = x^T G x in fractional
coordinates (International Tables A, 1.5.1). Symmetric positive matrices form a curved space with
distance |log(G0^-1/2 G1 G0^-1/2)|; its geodesics keep every isometry that both ends have
(Bhatia, *Positive Definite Matrices*, chapter 6).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wallpaper.plane.groups import LATTICE_SYSTEMS, LatticeSystem
from wallpaper.plane.operation import Matrix

Metric = NDArray[np.float64]

METRIC_TOLERANCE = 1e-9
"""Relative difference of metric elements below which a lattice meets its system: rounding only."""


LENGTH_GAP = 0.06
ANGLE_GAP = 4.0
"""How far a random cell keeps from equal lengths (relative) and from a right angle (degrees) that it does not need."""


@dataclass(frozen=True, slots=True)
class Lattice:
    """A unit cell: lengths a and b (any one unit for both) and the angle gamma in degrees."""

    a: float
    b: float
    gamma: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.a) and math.isfinite(self.b) and self.a > 0 and self.b > 0):
            raise ValueError(f"`a > 0 and b > 0` must hold, but got a={self.a}, b={self.b}")
        if not 0 < self.gamma < 180:
            raise ValueError(f"`0 < gamma < 180` degrees must hold, but got {self.gamma}")

    @property
    def basis(self) -> Metric:
        """(2, 2) Cartesian basis, one vector a column; a lies along x."""
        angle = math.radians(self.gamma)
        return np.array([[self.a, self.b * math.cos(angle)], [0.0, self.b * math.sin(angle)]])

    @property
    def metric(self) -> Metric:
        """(2, 2) metric tensor [[a.a, a.b], [a.b, b.b]]."""
        return self.basis.T @ self.basis

    @property
    def area(self) -> float:
        """Area of the cell."""
        return self.a * self.b * math.sin(math.radians(self.gamma))

    @classmethod
    def from_metric(cls, metric: Metric) -> Lattice:
        """The lattice with this (2, 2) metric tensor.

        Raises: ValueError: the matrix is not positive definite.
        """
        if not (metric[0, 0] > 0 and np.linalg.det(metric) > 0):
            raise ValueError(f"a metric tensor must be positive definite, but got {metric.tolist()}")
        a, b = math.sqrt(metric[0, 0]), math.sqrt(metric[1, 1])
        return cls(a, b, math.degrees(math.acos(metric[0, 1] / (a * b))))

    @classmethod
    def standard(cls, system: LatticeSystem) -> Lattice:
        """A typical lattice of unit area: the one a page would print for the system."""
        a, b, gamma = _STANDARD[_checked(system)]
        scale = 1 / math.sqrt(cls(a, b, gamma).area)
        return cls(a * scale, b * scale, gamma)

    @classmethod
    def random(cls, system: LatticeSystem, generator: np.random.Generator) -> Lattice:
        """Draw the parameters that the system leaves free; the cell has unit area.

        No drawn cell is nearly one of a richer system, not even after reduction: lengths differ by `LENGTH_GAP`, an
        oblique angle differs from 90 degrees by `ANGLE_GAP`, and |a.b| stays below 0.45 of a.a and b.b (0.5: rhombic).
        """
        ratio = math.exp(_avoiding(math.log1p(LENGTH_GAP), generator.uniform(math.log(0.7), math.log(1.45))))
        angle = 90.0 + _avoiding(ANGLE_GAP, generator.uniform(-18.0, 18.0))
        if _checked(system) in ("square", "hexagonal"):
            return cls.standard(system)
        gamma = angle if system == "oblique" else 90.0
        scale = 1 / math.sqrt(ratio * math.sin(math.radians(gamma)))
        return cls(scale, ratio * scale, gamma)

    def scaled(self, factor: float) -> Lattice:
        """The same cell in a unit of length that is `factor` times smaller."""
        return Lattice(self.a * factor, self.b * factor, self.gamma)

    def meets(self, system: LatticeSystem) -> bool:
        """Whether the cell satisfies the system's conditions (a square lattice is rectangular too)."""
        aa, ab, bb = (float(value) for value in self.metric[[0, 0, 1], [0, 1, 1]])
        tolerance = METRIC_TOLERANCE * max(aa, bb)
        right, equal, obtuse = abs(ab) <= tolerance, abs(aa - bb) <= tolerance, abs(2 * ab + aa) <= tolerance
        match _checked(system):
            case "oblique":
                return True
            case "rectangular":
                return right
            case "square":
                return right and equal
            case "hexagonal":
                return obtuse and equal


_STANDARD = {
    "oblique": (1.0, 1.2, 75.0),
    "rectangular": (1.0, 1.25, 90.0),
    "square": (1.0, 1.0, 90.0),
    "hexagonal": (1.0, 1.0, 120.0),
}


def change_basis(metric: Metric, matrix: Metric | Matrix) -> Metric:
    """(2, 2) metric of the cell whose coordinates x' give x = M x' in the old one: M^T G M."""
    m = np.asarray(matrix, dtype=np.float64)
    return m.T @ metric @ m


def invariant_metric(metric: Metric, point_group: Iterable[Matrix]) -> Metric:
    """(2, 2) metric near `metric` for which every matrix of the group is an isometry; the cell area stays.

    The average of W^T G W over the group is invariant because the group only permutes its terms;
    scaling restores the determinant.
    """
    images = [change_basis(metric, matrix) for matrix in point_group]
    mean: Metric = np.stack(images).mean(axis=0)
    scale = math.sqrt(np.linalg.det(metric) / np.linalg.det(mean))
    return mean * scale


def geodesic(start: Metric, end: Metric, t: float) -> Metric:
    """The point at t in [0, 1] of the shortest path between two metrics: S (S^-1 E S^-1)^t S with S = start^1/2."""
    root = _power(start, 0.5)
    inverse_root = _power(start, -0.5)
    return root @ _power(inverse_root @ end @ inverse_root, t) @ root


def stretched(basis: Metric, metric: Metric) -> Metric:
    """The basis F B with this metric, F a pure stretch: the deformation of B = `basis` that turns nothing.

    F^2 = B^-T G B^-1, the right Cauchy-Green tensor of the deformation.

    Args:
        basis: (2, 2) Cartesian basis, one vector a column.
        metric: (2, 2) metric tensor to reach.
    """
    inverse = np.linalg.inv(basis)
    return _power(inverse.T @ metric @ inverse, 0.5) @ basis


def distance(start: Metric, end: Metric) -> float:
    """Length of the geodesic between two metrics; 0 only if they are equal."""
    inverse_root = _power(start, -0.5)
    return float(np.linalg.norm(np.log(np.linalg.eigvalsh(inverse_root @ end @ inverse_root))))


def _power(metric: Metric, exponent: float) -> Metric:
    values, vectors = np.linalg.eigh((metric + metric.T) / 2)
    power: Metric = (vectors * values**exponent) @ vectors.T
    return power


def _avoiding(gap: float, value: float) -> float:
    """Move a value that is closer to 0 than twice `gap` away from it, to a distance of at least `gap`."""
    return value if abs(value) >= 2 * gap else math.copysign(gap + abs(value) / 2, value)


def _checked(system: LatticeSystem) -> LatticeSystem:
    if system not in LATTICE_SYSTEMS:
        raise ValueError(f"unknown lattice system {system!r}; one of {', '.join(LATTICE_SYSTEMS)}")
    return system
