from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from wallpaper.evaluation.classifier import SHRINKAGE, GaussianClassifier


def two_groups(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Groups 2 and 9: the same mean, but stretched along different axes."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.tensor([2, 9]).repeat_interleave(count)
    stretch = torch.where((labels == 2)[:, None], torch.tensor([3.0, 0.3, 1.0]), torch.tensor([0.3, 3.0, 1.0]))
    return torch.randn(2 * count, 3, generator=generator) * stretch + 1, labels


def test_the_likelihoods_are_scipy_s() -> None:
    points, labels = two_groups(200, 0)
    fitted = GaussianClassifier.fit(points, labels)
    assert fitted.groups.tolist() == [2, 9]
    new = two_groups(5, 1)[0]
    expected = []
    for group in (2, 9):
        own = points[labels == group].double().numpy()
        covariance = np.cov(own.T, bias=True)
        shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * np.trace(covariance) / 3 * np.eye(3)
        expected.append(multivariate_normal(own.mean(0), shrunk).logpdf(new.double().numpy()))
    difference = fitted.log_likelihood(new).numpy() - np.stack(expected, axis=1)
    np.testing.assert_allclose(difference, 1.5 * np.log(2 * np.pi), rtol=1e-6)


def test_groups_that_differ_in_spread_alone_are_told_apart() -> None:
    fitted = GaussianClassifier.fit(*two_groups(200, 0))
    points, labels = two_groups(500, 1)
    assert float((fitted.predict(points) == labels).double().mean()) > 0.9


@pytest.mark.parametrize("count", [2, 5])
def test_fewer_points_than_dimensions_and_none_that_differ(count: int) -> None:
    points = torch.zeros(2 * count, 50)
    points[count:] += 1
    labels = torch.tensor([0, 1]).repeat_interleave(count)
    assert GaussianClassifier.fit(points, labels).predict(points).tolist() == labels.tolist()
