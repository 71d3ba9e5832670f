from __future__ import annotations

import pytest
import torch
from torch import Tensor

from wallpaper.symmetry import restored

SIDE = 32


def noise(seed: int) -> Tensor:
    return torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def test_contrast_is_restored_from_the_fields_own() -> None:
    """Averaging n independent fields takes their spread to 1/sqrt(n); restored it is the spread of one."""
    before = noise(0)
    flat = 0.25 * (before + sum(noise(seed) for seed in (1, 2, 3)))
    unchanged, whole = (restored(flat, before, torch.full((2,), share)) for share in (0.0, 1.0))
    assert torch.equal(unchanged, flat)
    for got, expected in zip(whole, before, strict=True):
        assert float(got.var((1, 2)).sum() / expected.var((1, 2)).sum()) == pytest.approx(1, abs=1e-4)
    torch.testing.assert_close(whole.mean((2, 3)), flat.mean((2, 3)))
    assert torch.equal(restored(torch.ones(1, 3, 4, 4), before[:1, :, :4, :4], torch.ones(1)), torch.ones(1, 3, 4, 4))
