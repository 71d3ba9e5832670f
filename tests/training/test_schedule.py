from __future__ import annotations

import pytest
import torch

from wallpaper.training.schedule import learning_rate


def test_cosine_equals_torchs_scheduler() -> None:
    optimiser = torch.optim.SGD([torch.zeros(1)], lr=0.3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=20)
    for step in range(20):
        assert learning_rate(0.3, step, 20, "cosine") == pytest.approx(optimiser.param_groups[0]["lr"], rel=1e-9)
        optimiser.step()
        scheduler.step()


def test_warm_up_rises_evenly_to_the_full_rate() -> None:
    rates = [learning_rate(1.0, step, 10, "constant", warmup=4) for step in range(10)]
    assert rates == pytest.approx([0.2, 0.4, 0.6, 0.8, 1, 1, 1, 1, 1, 1])
    assert learning_rate(1.0, 4, 10, "cosine", warmup=4) == 1.0


def test_a_warm_up_longer_than_the_run_is_only_its_beginning() -> None:
    assert learning_rate(1.0, 2, 3, "cosine", warmup=99) == pytest.approx(0.03)
