"""The moving average of weights, against its closed form."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from wallpaper.training.averaging import WeightAverage


def test_the_average_is_the_weighted_sum_of_all_weights_so_far() -> None:
    module, decay = nn.Linear(1, 1, bias=False).double(), 0.5
    values = [3.0, 5.0, -2.0, 7.0]
    nn.init.constant_(module.weight, values[0])
    average = WeightAverage(module, decay)
    expected = values[0]
    for step, value in enumerate(values[1:], 1):
        nn.init.constant_(module.weight, value)
        average.update(step)
        share = min(decay, step / (step + 10))
        expected = share * expected + (1 - share) * value
    assert float(average.weights["weight"]) == pytest.approx(expected, rel=1e-12)


def test_running_statistics_are_averaged_and_counters_are_copied() -> None:
    norm = nn.BatchNorm1d(1)
    average = WeightAverage(norm, 0.9)
    for step in range(1, 200):
        norm(torch.tensor([[4.0], [6.0]]))
        average.update(step)
    assert average.weights["num_batches_tracked"] == 199
    assert float(average.weights["running_mean"]) == pytest.approx(5.0, abs=1e-3)
    assert float(average.weights["running_var"]) == pytest.approx(2.0, abs=1e-3)


def test_in_place_is_given_back_even_after_an_error() -> None:
    module = nn.Linear(1, 1)
    average = WeightAverage(module, 0.9)
    nn.init.constant_(module.weight, 9.0)
    with pytest.raises(KeyError), average.in_place():
        assert float(module.weight.detach()) != 9.0
        raise KeyError
    assert float(module.weight.detach()) == 9.0
    other = WeightAverage(module, 0.9)
    other.load(average.tensors())
    assert torch.equal(other.weights["weight"], average.weights["weight"])
