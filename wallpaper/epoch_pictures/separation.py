r"""How far apart the groups lie in latent space.

Silhouette: Rousseeuw, *J. Comput. Appl. Math.* 20 (1987) 53, the mean of (b - a) / max(a, b), where a is a point's mean
distance to the others of its own group and b the least mean distance to another group. Scatter ratio: trace of the
scatter between the groups' means over the trace of that within them. Plain float64.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist


@dataclass(frozen=True, slots=True)
class Separation:
    """Both figures, larger the further apart the groups are."""

    silhouette: float
    """-1 to 1; about 0 where groups overlap."""
    scatter_ratio: float
    """0 and up; 0 where all groups have one mean, and where no group has any spread to compare with."""


def separation(latents: NDArray[np.floating], labels: NDArray[np.integer]) -> Separation:
    """Separation of latents (N, d) by their labels (N,).

    A point alone in its group has silhouette 0, as Rousseeuw sets it.
    Raises: ValueError: other shapes, or fewer than two groups.
    """
    if latents.ndim != 2 or labels.shape != latents.shape[:1]:
        raise ValueError(f"latents must be (N, d) and labels (N,), but got {latents.shape} and {labels.shape}")
    groups, member = np.unique(labels, return_inverse=True)
    if len(groups) < 2:
        raise ValueError(f"there must be at least two groups to tell apart, but got {groups.tolist()}")
    points = latents.astype(np.float64)
    inside = np.eye(len(groups))[member]
    return Separation(_silhouette(points, member, inside), _scatter_ratio(points, member, inside))


def _silhouette(points: NDArray[np.float64], member: NDArray[np.intp], inside: NDArray[np.float64]) -> float:
    sizes = inside.sum(axis=0)
    sums = cdist(points, points) @ inside  # (N, groups)
    rows = np.arange(len(points))
    own = sums[rows, member] / np.maximum(sizes[member] - 1, 1)
    others = sums / sizes
    others[rows, member] = np.inf
    nearest = others.min(axis=1)
    larger = np.maximum(own, nearest)
    each = np.where(larger > 0, (nearest - own) / np.where(larger > 0, larger, 1), 0.0)
    return float(np.where(sizes[member] > 1, each, 0.0).mean())


def _scatter_ratio(points: NDArray[np.float64], member: NDArray[np.intp], inside: NDArray[np.float64]) -> float:
    sizes = inside.sum(axis=0)
    means = inside.T @ points / sizes[:, None]
    within = float(np.square(points - means[member]).sum())
    between = float((sizes[:, None] * np.square(means - points.mean(axis=0))).sum())
    return between / within if within > 0 else 0.0
