r"""Which group a latent belongs to, told by the latent alone: quadratic discriminant analysis.

A Gaussian for each group; a latent goes to the group under which it is likeliest, all groups taken as equally
frequent (Hastie, Tibshirani, Friedman, *The Elements of Statistical Learning*, 2009, section 4.3). Groups of
symmetric patterns differ in their covariance more than in their mean, so neither a linear rule nor near neighbours do.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

SHRINKAGE = 0.1
"""Share of the mean variance that is put in the place of each covariance: latents may have as many dimensions as
there are of a group. Between 0.02 and 0.2 it makes little difference."""


@dataclass(frozen=True, slots=True, eq=False)
class GaussianClassifier:
    """Fitted Gaussians, in float64."""

    groups: Tensor
    """(G,) index of each."""
    mean: Tensor
    """(G, d)."""
    factor: Tensor
    """(G, d, d) lower Cholesky factor of each covariance."""

    @classmethod
    def fit(cls, points: Tensor, labels: Tensor) -> GaussianClassifier:
        """From points (N, d) with group indices (N,)."""
        groups = labels.unique()
        members = [points[labels == group].double() for group in groups]
        means = torch.stack([each.mean(0) for each in members])
        factors = [torch.linalg.cholesky(_shrunk(each - mean)) for each, mean in zip(members, means, strict=True)]
        return cls(groups, means, torch.stack(factors))

    def log_likelihood(self, points: Tensor) -> Tensor:
        """(N, G) of points (N, d) under each group, but for a constant that all share."""
        found = []
        for mean, factor in zip(self.mean, self.factor, strict=True):
            white = torch.linalg.solve_triangular(factor, (points.double() - mean).T, upper=False)
            found.append(-0.5 * white.square().sum(0) - factor.diagonal().log().sum())
        return torch.stack(found, dim=1)

    def predict(self, points: Tensor) -> Tensor:
        """(N,) indices of the likeliest groups of points (N, d)."""
        return self.groups[self.log_likelihood(points).argmax(dim=1)]


def _shrunk(centred: Tensor) -> Tensor:
    """(d, d) covariance of centred points (N, d), with `SHRINKAGE`; never singular."""
    count, dimension = centred.shape
    covariance = centred.T @ centred / count
    spread = covariance.trace() / dimension + torch.finfo(centred.dtype).eps
    return (1 - SHRINKAGE) * covariance + SHRINKAGE * spread * torch.eye(dimension, dtype=centred.dtype)
