"""Which pairs are drawn, validated and held out."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
import torch

from tests.training.test_ode_loop import HELD_OUT, TINY, TRAIN, Codec, gaussians
from wallpaper.data.latents import Latents
from wallpaper.data.pairs import RealTransitionDataset
from wallpaper.training.couplings import build_coupling
from wallpaper.training.ode_config import OdeConfig
from wallpaper.training.ode_pairs import epoch_pairs, held_out_pairs, validation_pairs


@pytest.mark.parametrize(("mode", "share"), [("cross", 0.0), ("same", 1.0), ("mixed", 0.5)])
def test_transition_modes_mix_same_and_cross_pairs(mode: Any, share: float) -> None:
    config = replace(TINY, transition_mode=mode, pairs_per_epoch=200)
    same = RealTransitionDataset(TRAIN, mode="same", codec=Codec(), pairs_per_epoch=200)
    coupling = build_coupling("ot", TRAIN)
    pairs, times = epoch_pairs(config, coupling, None if mode == "cross" else same, 1)
    shift = (pairs.z_target - pairs.z_source)[:, 0] - 10.0 * (pairs.target - pairs.source)
    is_same = shift.abs() < 1e-3
    assert float(is_same.float().mean()) == share
    assert 0 < int(is_same[:100].sum()) < 100 or mode != "mixed"
    assert len(times) == 200
    assert 0 <= float(times.min()) < 0.1 < 0.9 < float(times.max()) < 1
    again = epoch_pairs(config, coupling, same, 1)
    assert torch.equal(again[0].z_source, pairs.z_source)
    assert not torch.equal(epoch_pairs(config, coupling, same, 2)[1], times)


def test_validation_pairs_are_even_and_always_the_same() -> None:
    pairs = validation_pairs(gaussians(0, 3), gaussians(1, 3), 34)
    assert pairs == validation_pairs(gaussians(5, 4), gaussians(6, 9), 34)
    assert len(set(pairs)) == 34
    for end in (0, 1):
        assert set(Counter(pair[end] for pair in pairs).values()) == {2}
    assert len(set(validation_pairs(gaussians(0, 3), gaussians(1, 3), 1000))) == 272
    lone = Latents(torch.cat([HELD_OUT.mean, torch.zeros(1, 2)]), torch.cat([HELD_OUT.labels, torch.tensor([9])]))
    assert {group for pair in validation_pairs(gaussians(0, 3), lone, 99) for group in pair} == {0, 1, 2, 3}


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (0.1, 27), (0.5, 136), (0.9, 245)])
def test_held_out_pairs_are_a_share_even_over_groups_and_the_seeds(share: float, count: int) -> None:
    pairs = held_out_pairs(OdeConfig(held_out_pairs=share))
    assert len(set(pairs)) == len(pairs) == count
    assert set(pairs) <= set(permutations(range(17), 2))
    for end in (0, 1):
        found = Counter(pair[end] for pair in pairs)
        counts = [found[group] for group in range(17)]
        assert max(counts) - min(counts) <= 1
        assert max(counts) < 16  # each group is left in a trained pair
    assert pairs == held_out_pairs(OdeConfig(held_out_pairs=share, epochs=7))
    assert count == 0 or pairs != held_out_pairs(OdeConfig(held_out_pairs=share, seed=1))


@pytest.mark.parametrize("coupling", ["ot", "random"])
@pytest.mark.parametrize("mode", ["cross", "same", "mixed"])
def test_what_is_held_out_is_never_drawn_and_all_else_is(coupling: Any, mode: Any) -> None:
    config = replace(TINY, held_out_pairs=0.4, transition_mode=mode, pairs_per_epoch=4000)
    train, without = gaussians(1, 3), held_out_pairs(config)
    same = RealTransitionDataset(train, mode="same", codec=Codec(), pairs_per_epoch=4000)
    drawn = build_coupling(coupling, train, without=without)
    pairs, _ = epoch_pairs(config, drawn, same, 1)
    found = set(zip(pairs.source.tolist(), pairs.target.tolist(), strict=True))
    assert found == set(permutations(range(17), 2)) - set(without)
    assert len(pairs) == 4000


def test_what_is_held_out_is_not_validated_on() -> None:
    without = held_out_pairs(OdeConfig(held_out_pairs=0.3))
    pairs = validation_pairs(gaussians(0, 3), gaussians(1, 3), 1000, without=without)
    assert set(pairs) == set(permutations(range(17), 2)) - set(without)


def test_some_pair_of_the_datasets_groups_must_be_left() -> None:
    with pytest.raises(ValueError, match=r"a pair of the groups \[0, 1\] must be left to train, but all are held out"):
        build_coupling("ot", gaussians(0, 3, groups=2), without=[(0, 1), (1, 0)])
