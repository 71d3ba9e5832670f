from __future__ import annotations

from collections import Counter
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from wallpaper.data.latents import Latents
from wallpaper.training import couplings
from wallpaper.training.couplings import (
    CouplingName,
    OptimalCoupling,
    PairBatch,
    RandomCoupling,
    build_coupling,
    optimal_assignment,
)

EVERY = pytest.mark.parametrize("name", ["random", "ot"])


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def groups(sizes: dict[int, int], dimension: int = 3) -> Latents:
    """Latents in mixed order, whose last coordinate is their row."""
    labels = torch.tensor([group for group, size in sizes.items() for _ in range(size)])
    labels = labels[torch.randperm(len(labels), generator=generator(5))]
    mean = torch.randn(len(labels), dimension, generator=generator(6)) + labels[:, None]
    return Latents(mean, labels)


def rows_of(latents: Latents, points: torch.Tensor) -> list[int]:
    return torch.cdist(points, latents.mean).argmin(dim=1).tolist()


@EVERY
def test_pairs_are_latents_of_the_groups_they_name(name: CouplingName) -> None:
    latents = groups({0: 7, 4: 5, 16: 9})
    pairs = build_coupling(name, latents).draw(500, generator())
    for points, labels in ((pairs.z_source, pairs.source), (pairs.z_target, pairs.target)):
        rows = rows_of(latents, points)
        assert torch.equal(latents.mean[rows], points)
        assert torch.equal(latents.labels[rows], labels)
    assert bool((pairs.source != pairs.target).all())
    assert len(pairs) == 500


@EVERY
def test_every_ordered_pair_of_groups_and_every_latent_is_drawn_evenly(name: CouplingName) -> None:
    latents = groups({1: 6, 2: 6, 9: 6})
    pairs = build_coupling(name, latents).draw(18_000, generator())
    found = Counter(zip(pairs.source.tolist(), pairs.target.tolist(), strict=True))
    assert set(found) == set(permutations((1, 2, 9), 2))
    assert all(abs(count - 3000) < 300 for count in found.values())
    for points in (pairs.z_source, pairs.z_target):
        counts = Counter(rows_of(latents, points))
        assert set(counts) == set(range(18))
        assert all(abs(count - 1000) < 200 for count in counts.values())


@EVERY
def test_the_generator_alone_decides(name: CouplingName) -> None:
    coupling = build_coupling(name, groups({0: 5, 1: 6}))
    one, again, other = (coupling.draw(50, generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(one.z_source, again.z_source)
    assert torch.equal(one.z_target, again.z_target)
    assert not torch.equal(one.z_source, other.z_source)


def test_random_pairs_are_independent() -> None:
    latents = groups({0: 4, 1: 4})
    pairs = RandomCoupling(latents).draw(3200, generator())
    found = Counter(zip(rows_of(latents, pairs.z_source), rows_of(latents, pairs.z_target), strict=True))
    assert len(found) == 32  # 4 x 4 pairs of points in both directions
    assert max(found.values()) < 160


def test_the_optimal_pairs_are_one_permutation_read_both_ways() -> None:
    latents = groups({0: 20, 3: 20, 5: 20})
    coupling = OptimalCoupling(latents)
    for source, target in permutations((0, 3, 5), 2):
        forth, back = coupling.pairs(source, target), coupling.pairs(target, source)
        for column, group in ((0, source), (1, target)):
            assert sorted(forth[:, column].tolist()) == (latents.labels == group).nonzero()[:, 0].tolist()
        assert torch.equal(back, forth.flip(1))


def test_drawn_pairs_are_in_the_table() -> None:
    latents = groups({0: 8, 3: 11, 5: 9})
    coupling = OptimalCoupling(latents)
    table = {(s, t): {tuple(pair) for pair in coupling.pairs(s, t).tolist()} for s, t in permutations((0, 3, 5), 2)}
    pairs = coupling.draw(400, generator())
    ends = zip(rows_of(latents, pairs.z_source), rows_of(latents, pairs.z_target), strict=True)
    for source, target, end in zip(pairs.source.tolist(), pairs.target.tolist(), ends, strict=True):
        assert end in table[source, target]


def test_optimal_pairs_are_the_best_of_all_permutations() -> None:
    draw = np.random.default_rng(0)
    for _ in range(5):
        x, y = draw.normal(size=(2, 6, 2))
        chosen = optimal_assignment(x, y)
        best = min(np.square(x - y[list(order)]).sum() for order in permutations(range(6)))
        assert np.square(x - y[chosen]).sum() == pytest.approx(best)


def test_in_one_dimension_optimal_pairs_keep_the_order() -> None:
    latents = groups({2: 30, 7: 30}, dimension=1)
    rows = OptimalCoupling(latents).pairs(2, 7)
    by_source = rows[latents.mean[rows[:, 0], 0].argsort()]
    assert bool((latents.mean[by_source[:, 1], 0].diff() > 0).all())


def test_optimal_pairs_are_much_shorter_than_random_ones() -> None:
    latents = groups({0: 60, 1: 60})

    def cost(pairs: PairBatch) -> float:
        return float((pairs.z_source - pairs.z_target).square().sum(dim=1).mean())

    near, far = (cost(build_coupling(name, latents).draw(2000, generator())) for name in ("ot", "random"))
    assert near < 0.6 * far


def test_groups_of_different_size_use_every_latent_evenly() -> None:
    latents = groups({0: 10, 1: 4})
    rows = OptimalCoupling(latents).pairs(0, 1)
    assert sorted(rows[:, 0].tolist()) == (latents.labels == 0).nonzero()[:, 0].tolist()
    assert sorted(Counter(rows[:, 1].tolist()).values()) == [2, 2, 3, 3]


def test_large_groups_are_coupled_in_blocks() -> None:
    latents = groups({0: 50, 1: 41})
    whole, blocks = OptimalCoupling(latents).pairs(0, 1), OptimalCoupling(latents, block=16).pairs(0, 1)
    assert sorted(blocks[:, 0].tolist()) == sorted(whole[:, 0].tolist())
    assert set(blocks[:, 1].tolist()) == set(whole[:, 1].tolist())
    cost = [float((latents.mean[r[:, 0]] - latents.mean[r[:, 1]]).square().sum()) for r in (whole, blocks)]
    assert cost[0] < cost[1]


def test_a_cache_spares_the_work_only_for_the_same_latents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, latents = tmp_path / "sub" / "coupling.npz", groups({0: 6, 1: 9, 2: 5})
    fresh = OptimalCoupling(latents, cache=cache)
    calls: list[int] = []
    original = couplings.optimal_assignment

    def counted(x: Any, y: Any) -> Any:
        calls.append(len(x))
        return original(x, y)

    monkeypatch.setattr(couplings, "optimal_assignment", counted)
    cached = OptimalCoupling(latents, cache=cache)
    assert calls == []
    assert torch.equal(cached.draw(99, generator()).z_target, fresh.draw(99, generator()).z_target)
    OptimalCoupling(Latents(latents.mean + 1, latents.labels), cache=cache)
    assert len(calls) == 3


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut off"])
def test_a_damaged_cache_is_computed_again(tmp_path: Path, content: bytes) -> None:
    cache, latents = tmp_path / "coupling.npz", groups({0: 6, 1: 9})
    cache.write_bytes(content)
    rows = OptimalCoupling(latents, cache=cache).pairs(0, 1)
    assert torch.equal(rows, OptimalCoupling(latents).pairs(0, 1))
    assert cache.stat().st_size > 100


def test_batches_can_be_cut_and_joined() -> None:
    pairs = RandomCoupling(groups({0: 6, 1: 9})).draw(10, generator())
    joined = PairBatch.join([pairs[:4], pairs[4:]])
    for name in ("z_source", "z_target", "source", "target"):
        assert torch.equal(getattr(joined, name), getattr(pairs, name))
    assert torch.equal(pairs[torch.tensor([3, 1])].z_target, pairs.z_target[[3, 1]])
    assert len(pairs.to("cpu")) == 10


def test_refuses_what_cannot_be_coupled() -> None:
    with pytest.raises(ValueError, match=r"at least two groups, but got groups \[3\]"):
        build_coupling("ot", groups({3: 5}))
    with pytest.raises(ValueError, match="`coupling` must be random or ot, but got 'best'"):
        build_coupling("best", groups({3: 5, 4: 5}))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="group 5 must be among the latents"):
        OptimalCoupling(groups({3: 5, 4: 5})).pairs(3, 5)
    with pytest.raises(ValueError, match="`block >= 1` must hold, but got 0"):
        OptimalCoupling(groups({3: 5, 4: 5}), block=0)
    with pytest.raises(ValueError, match=r"same shape, but got \(3, 2\) and \(4, 2\)"):
        optimal_assignment(np.zeros((3, 2)), np.zeros((4, 2)))
