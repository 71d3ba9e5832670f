"""Patterns in closed form: random plane waves added up over a group's printed operations, sampled in any frame.

An oracle for `identify` that shares no code with generator, projection or index maps: each sample is a sum of
cosines at the images of its point.
"""

from __future__ import annotations

import numpy as np

from tests.judge.drawn import cell_of, operations_of
from wallpaper.plane import Lattice


def wave_pattern(
    group: str,
    generator: np.random.Generator,
    *,
    side: int = 48,
    axes: np.ndarray | None = None,
    origin: np.ndarray | None = None,
    waves: int = 24,
    channels: int = 3,
) -> tuple[np.ndarray, Lattice]:
    """(side, side, channels) float64 in [0, 1] and its lattice.

    Args:
        axes: (2, 2) integers; sample x of the result shows the standard pattern at `axes` x + `origin`.
    """
    axes = np.eye(2) if axes is None else axes
    origin = np.zeros(2) if origin is None else origin
    steps = np.arange(side) / side
    points = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1) @ axes.T + origin
    vectors = generator.integers(-4, 5, (waves, 2))
    phases = generator.uniform(0, 2 * np.pi, (waves, channels))
    heights = generator.normal(size=(waves, channels)) / (1 + np.abs(vectors).sum(axis=1))[:, None]
    values = np.zeros((side, side, channels))
    for matrix, shift in operations_of(group):
        images = points @ matrix.T + shift
        angles = 2 * np.pi * images @ vectors.T
        values += (heights * np.cos(angles[..., None] + phases)).sum(axis=-2)
    values = (values - values.min()) / np.ptp(values)
    basis = Lattice(*cell_of(group, generator)).basis @ axes
    return values, Lattice.from_metric(basis.T @ basis)
