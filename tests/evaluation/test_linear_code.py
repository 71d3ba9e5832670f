from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from wallpaper.evaluation.linear_code import PASSES, LinearCode, fit_linear_code


def data(count: int, dimension: int, seed: int = 0) -> Tensor:
    """Points whose spread falls off slowly, as that of images does, and whose mean is not 0."""
    generator = torch.Generator().manual_seed(seed)
    spread = torch.arange(1.0, dimension + 1) ** -0.6
    turn = torch.linalg.qr(torch.randn(dimension, dimension, generator=generator)).Q
    return torch.randn(count, dimension, generator=generator) * spread @ turn + 3


def fit(points: Tensor, size: int) -> LinearCode:
    def blocks() -> Iterator[Tensor]:
        yield from points.split(37)

    return fit_linear_code(blocks, size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", [2, 16, 64])
def test_the_error_is_that_of_the_singular_value_decomposition(size: int) -> None:
    points = data(300, 400)
    code = fit(points, size)
    exact = points.double().numpy()
    left = np.linalg.svd(exact - exact.mean(0), compute_uv=False)[size:]
    best = np.square(left).sum() / exact.size
    found = float((code.reconstruct(points) - points).double().square().mean())
    assert best * (1 - 1e-5) <= found <= best * 1.002, "0.002 is 0.01 dB"
    torch.testing.assert_close(code.basis.T @ code.basis, torch.eye(size), rtol=0, atol=1e-5)


def test_a_code_as_large_as_its_points_gives_them_back_but_no_others() -> None:
    points = data(20, 50)
    code = fit(points, 256)
    assert code.size == 19
    torch.testing.assert_close(code.reconstruct(points), points, rtol=0, atol=1e-4)
    assert float((code.reconstruct(data(20, 50, 1)) - data(20, 50, 1)).abs().max()) > 0.1
    assert fit(data(40, 8), 256).size == 8


def test_few_points_and_none() -> None:
    one = torch.tensor([[1.0, 2.0]])
    torch.testing.assert_close(fit(one, 3).reconstruct(one), one)
    with pytest.raises(ValueError, match="needs points, but got none"):
        fit_linear_code(lambda: iter(()), 2, generator=torch.Generator())


def test_passes_are_told() -> None:
    ticks: list[None] = []
    points = data(20, 10)
    fit_linear_code(lambda: iter([points]), 2, generator=torch.Generator(), tick=lambda: ticks.append(None))
    assert len(ticks) == PASSES + 1


def test_the_leading_components_alone_are_the_smaller_code() -> None:
    points = data(300, 100)
    fewer = fit(points, 32).first(8)
    assert fewer.size == 8
    torch.testing.assert_close(fewer.reconstruct(points), fit(points, 8).reconstruct(points), rtol=0, atol=0.02)
