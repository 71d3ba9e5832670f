"""Pseudosymmetry of a chosen strength: a pattern blended with its projection onto a supergroup.

With P f the projection and d = f - P f, which are orthogonal, h = P f + m d keeps the group exactly, and an operation
g of the supergroup correlates to (|P f|^2 + m^2 <g d, d>) / (|P f|^2 + m^2 |d|^2), means taken off: m follows from it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray

from wallpaper.judge import Certificate, identify
from wallpaper.patterns.acceptance import LEAST_TRUE
from wallpaper.patterns.generator import Pattern
from wallpaper.plane import DEN, PLANE_GROUPS, Lattice, Op, PlaneGroup, plane_group
from wallpaper.plane.operation import IDENTITY_MATRIX
from wallpaper.symmetry import permutations, project_onto

LEAST_STRENGTH, MOST_STRENGTH = 0.9, 0.99
"""Below, a pattern's own accidents may be stronger; above, 8 bits and few samples make the difference uncertain."""

TOLERANCE = 0.01
"""How far the judge's figure for the strongest false operation may be from the strength that was asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Pseudosymmetric:
    """A pattern that nearly has a supergroup's symmetry."""

    pixels: NDArray[np.uint8]
    supergroup: str
    """Short symbol; with "half the cell" where the false operations are shorter periods."""
    certificate: Certificate


def pseudosymmetric(pattern: Pattern, strength: float, generator: np.random.Generator) -> Pseudosymmetric:
    """A pattern of the same group whose strongest false operation correlates at `strength`, as the judge confirms.

    Args: generator: chooses among the supergroups; those of the same cell go first.
    Raises:
        ValueError: strength outside 0.9..0.99.
        RuntimeError: no supergroup gives what the judge confirms; use another pattern.
    """
    if not LEAST_STRENGTH <= strength <= MOST_STRENGTH:
        raise ValueError(f"`{LEAST_STRENGTH} <= strength <= {MOST_STRENGTH}` must hold, but got {strength}")
    group = plane_group(pattern.group)
    for name, operations in supergroups(group, pattern.lattice, generator):
        pixels = _blend(pattern.pixels, group, operations, strength)
        if pixels is None:
            continue
        certificate = identify(pixels, pattern.lattice)
        exact = certificate.group == group.name and certificate.weakest_true >= LEAST_TRUE
        if exact and abs(certificate.strongest_false - strength) <= TOLERANCE:
            return Pseudosymmetric(pixels, name, certificate)
    raise RuntimeError(f"no pseudosymmetry of {strength} for this {group.name} (seed {pattern.seed}); use another seed")


def supergroups(
    group: PlaneGroup, lattice: Lattice, generator: np.random.Generator
) -> Iterator[tuple[str, tuple[Op, ...]]]:
    """Groups that contain all operations of `group` and more, as operations on its cell, in random order.

    First those with the same translations, then those with translations by half the cell.
    """
    own = set(group.operations)
    same = [
        (other.name, other.operations)
        for other in PLANE_GROUPS.values()
        if own < set(other.operations) and lattice.meets(other.system)
    ]
    halves = [(DEN // 2, 0), (0, DEN // 2), (DEN // 2, DEN // 2)]
    finer = []
    for added in ([half] for half in halves), [halves]:
        finer += [(f"{group.name}, half the cell", closed) for shifts in added if (closed := _closed(group, shifts))]
    for candidates in (same, finer):
        for index in generator.permutation(len(candidates)):
            yield candidates[index]


def _closed(group: PlaneGroup, shifts: list[tuple[int, int]]) -> tuple[Op, ...] | None:
    """The group with translations added, if that is a larger group of operations on the same cell."""
    operations = set(group.operations)
    for shift in shifts:
        operations |= {Op(IDENTITY_MATRIX, shift) @ op for op in group.operations}
    translations = [op for op in operations if op.rot == IDENTITY_MATRIX]
    whole = all(g @ t @ g.inverse() in operations for g in group.operations for t in translations) and all(
        a @ b in operations for a, b in combinations(translations, 2)
    )
    return tuple(sorted(operations)) if whole and len(operations) > len(group.operations) else None


def _blend(
    pixels: NDArray[np.uint8], group: PlaneGroup, operations: tuple[Op, ...], strength: float
) -> NDArray[np.uint8] | None:
    """(n, n, 3) the blend whose best false operation of these has the strength; None if it is stronger already."""
    side = pixels.shape[0]
    values = torch.from_numpy(np.moveaxis(pixels, -1, 0) / 255.0)
    kept = project_onto(values, operations).numpy()
    lost = values.numpy() - kept
    false = permutations([op for op in operations if op not in set(group.operations)], side)
    flat = lost.reshape(3, -1)
    power = float((flat**2).sum())
    best = max(float((flat * flat[:, moved]).sum()) for moved in false)
    common = float(((kept - kept.mean(axis=(1, 2), keepdims=True)) ** 2).sum())
    # s = (common + m^2 best) / (common + m^2 power), solved for m^2
    if strength * power <= best or common <= 0:
        return None
    share = math.sqrt(common * (1 - strength) / (strength * power - best))
    if share > 1:
        return None
    blended = np.clip(np.rint((kept + share * lost) * 255), 0, 255)
    return np.ascontiguousarray(np.moveaxis(blended, 0, -1).astype(np.uint8))
