r"""Which group a latent belongs to, told by the latent alone: quadratic discriminant analysis.

A Gaussian for each group; a latent goes to the group under which it is likeliest, all groups taken as equally
frequent (Hastie, Tibshirani, Friedman, *The Elements of Statistical Learning*, 2009, section 4.3). Groups of
symmetric patterns differ in their covariance more than in their mean, so neither a linear rule nor near neighbours do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

SHRINKAGE = 0.1
"""Share of the mean variance that is put in the place of each covariance: latents may have as many dimensions as
there are of a group. Between 0.02 and 0.2 it makes little difference."""


@dataclass(frozen=True, slots=True, eq=False)
class _Gaussian:
    """A group's mean, and its shrunk covariance by principal axes: `rest` is the variance along all other axes."""

    mean: Tensor
    axes: Tensor
    """(r, d), orthonormal; r is at most the number of points."""
    variances: Tensor
    """(r,) along the axes."""
    rest: float

    @classmethod
    def of(cls, points: Tensor) -> _Gaussian:
        """Of points (n, d), in float64."""
        mean = points.mean(0)
        _, singular, axes = torch.linalg.svd(points - mean, full_matrices=False)
        variances = singular.square() / len(points)
        rest = SHRINKAGE * (float(variances.sum()) / points.shape[1] + torch.finfo(points.dtype).eps)
        return cls(mean, axes, (1 - SHRINKAGE) * variances + rest, rest)

    def log_likelihood(self, points: Tensor) -> Tensor:
        """(N,) of points (N, d), but for a constant of d."""
        off = points - self.mean
        along = (off @ self.axes.T).square()
        across = (off.square().sum(1) - along.sum(1)).clamp(min=0)
        others = points.shape[1] - len(self.variances)
        spread = self.variances.log().sum() + others * math.log(self.rest)
        return -0.5 * ((along / self.variances).sum(1) + across / self.rest + spread)


@dataclass(frozen=True, slots=True, eq=False)
class GaussianClassifier:
    """Fitted Gaussians, in float64."""

    groups: Tensor
    """(G,) index of each."""
    gaussians: tuple[_Gaussian, ...]

    @classmethod
    def fit(cls, points: Tensor, labels: Tensor) -> GaussianClassifier:
        """From points (N, d) with group indices (N,)."""
        groups = labels.unique()
        return cls(groups, tuple(_Gaussian.of(points[labels == group].double()) for group in groups))

    def log_likelihood(self, points: Tensor) -> Tensor:
        """(N, G) of points (N, d) under each group, but for a constant that all share."""
        return torch.stack([each.log_likelihood(points.double()) for each in self.gaussians], dim=1)

    def predict(self, points: Tensor) -> Tensor:
        """(N,) indices of the likeliest groups of points (N, d)."""
        return self.groups[self.log_likelihood(points).argmax(dim=1)]
