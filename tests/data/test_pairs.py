from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from tests.data.fake import SIDE, LinearCodec, dataset
from wallpaper.data import Latents, RealTransitionDataset, cached_latents

CODED = 1e-6  # z and group / 100 added in float32, and averaged over 256 equal pixels


def latents(per_group: int = 5) -> Latents:
    """Row i has mean (i, -i) / 100 and group i % 17, so that a latent tells its row."""
    rows = torch.arange(17 * per_group)
    return Latents(torch.stack([rows, -rows], 1).float() / 100, rows % 17)


def counts(dataset: RealTransitionDataset, epoch: int = 0) -> Counter[tuple[int, int]]:
    pairs = dataset.epoch_pairs(epoch)
    return Counter(zip(pairs.source.tolist(), pairs.target.tolist(), strict=True))


@pytest.mark.parametrize("mode", ["cross", "same", "mixed"])
def test_all_272_ordered_pairs_are_equally_likely(mode: str) -> None:
    data = RealTransitionDataset(latents(), mode=mode, pairs_per_epoch=272 * 6 + 100, codec=LinearCodec(), bases=2)  # type: ignore[arg-type]
    found = counts(data)
    assert len(found) == 272
    assert all(source != target for source, target in found)
    assert set(found.values()) <= ({6, 7} if mode != "mixed" else {6, 7, 8})


def test_few_pairs_favour_no_group() -> None:
    data = RealTransitionDataset(latents(), pairs_per_epoch=16)
    total: Counter[tuple[int, int]] = Counter()
    for epoch in range(272 * 4):
        total += counts(data, epoch)
    assert len(total) == 272
    # 64 of each are expected; a binomial count strays by more than 6 standard deviations (48) hardly ever
    assert max(abs(count - 64) for count in total.values()) < 48


def test_cross_pairs_are_latents_of_their_groups_and_every_latent_occurs() -> None:
    data = RealTransitionDataset(latents(), pairs_per_epoch=5000)
    pairs = data.epoch_pairs(0)
    for z, group in ((pairs.z_source, pairs.source), (pairs.z_target, pairs.target)):
        row = (z[:, 0] * 100).round().long()
        assert torch.equal(row % 17, group)
        assert torch.equal(z[:, 1], -z[:, 0])
        assert set(row.tolist()) == set(range(85))
    assert (pairs.z_source.dtype, pairs.source.dtype) == (torch.float32, torch.int64)


def test_only_groups_that_are_there_are_paired() -> None:
    three = latents().take([0, 17, 3, 9])
    assert set(counts(RealTransitionDataset(three, pairs_per_epoch=60))) == {
        (0, 3),
        (3, 0),
        (0, 9),
        (9, 0),
        (3, 9),
        (9, 3),
    }


@pytest.mark.parametrize("count", [1, 3, 17, 40])
def test_same_pairs_are_one_base_decoded_under_both_groups_and_encoded_again(count: int) -> None:
    source_latents = latents()
    data = RealTransitionDataset(source_latents, mode="same", pairs_per_epoch=3000, codec=LinearCodec(), bases=count)
    pairs = data.epoch_pairs(0)
    base = pairs.z_source - 2 * pairs.source[:, None] / 100
    torch.testing.assert_close(pairs.z_target - 2 * pairs.target[:, None] / 100, base, atol=CODED, rtol=0)
    torch.testing.assert_close(base[:, 1], -base[:, 0], atol=CODED, rtol=0)
    rows = (base[:, 0] * 100).round().long().unique()
    assert len(rows) == count
    per_group = torch.bincount(rows % 17, minlength=17)
    assert per_group.max() - per_group.min() <= 1


def test_the_table_of_bases_is_coded_once_in_batches_and_in_evaluation_mode() -> None:
    codec, calls = LinearCodec().train(), []
    data = RealTransitionDataset(
        latents(),
        mode="mixed",
        pairs_per_epoch=100,
        codec=codec,
        bases=10,
        batch_size=64,
        progress=lambda *done: calls.append(done),
    )
    assert codec.calls == 0
    for epoch in range(3):
        data.epoch_pairs(epoch)
        data.set_epoch(epoch)
        _ = data[0]
    assert codec.calls == 3
    assert calls == [(64, 170), (128, 170), (170, 170)]
    assert set(codec.modes) == {False}
    assert codec.training


@pytest.mark.parametrize("pairs_per_epoch", [100, 101])
def test_mixed_is_half_and_half(pairs_per_epoch: int) -> None:
    codec = LinearCodec()
    data = RealTransitionDataset(latents(), mode="mixed", pairs_per_epoch=pairs_per_epoch, codec=codec)
    pairs = data.epoch_pairs(1)
    base = [
        (z - 2 * group[:, None] / 100) for z, group in ((pairs.z_source, pairs.source), (pairs.z_target, pairs.target))
    ]
    same = (base[0] - base[1]).abs().amax(1) < 10 * CODED
    assert int(same.sum()) == 50
    assert 5 < int(same[:50].sum()) < 45  # mixed through the epoch, not one kind after the other


def test_an_epoch_follows_from_seed_and_number() -> None:
    options = {"mode": "mixed", "pairs_per_epoch": 200, "codec": LinearCodec()}
    first, again = (RealTransitionDataset(latents(), seed=4, **options) for _ in range(2))  # type: ignore[arg-type]
    other = RealTransitionDataset(latents(), seed=5, **options)  # type: ignore[arg-type]
    again.set_epoch(9)
    again.epoch_pairs(3)
    for a, b in zip(first.epoch_pairs(7), again.epoch_pairs(7), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(first.epoch_pairs(7).source, first.epoch_pairs(8).source)
    assert not torch.equal(first.epoch_pairs(7).source, other.epoch_pairs(7).source)


def test_items_are_the_pairs_of_the_epoch_and_are_collated() -> None:
    data = RealTransitionDataset(latents(), mode="mixed", pairs_per_epoch=20, codec=LinearCodec())
    data.set_epoch(2)
    (batch,) = DataLoader(data, batch_size=20)
    pairs = data.epoch_pairs(2)
    assert set(batch) == {"z_source", "z_target", "source_idx", "target_idx"}
    for name, expected in zip(("z_source", "z_target", "source_idx", "target_idx"), pairs, strict=True):
        assert torch.equal(batch[name], expected)
    assert len(data) == 20
    with pytest.raises(IndexError, match=r"`0 <= item < 20` must hold, but got 20"):
        _ = data[20]


def test_patterns_come_from_the_store_or_from_the_decoder(tmp_path: Path) -> None:
    store, codec = dataset(tmp_path), LinearCodec()
    part = cached_latents(store, codec, "v1", tmp_path / "cache").take(range(3, 34))
    options = {"pairs_per_epoch": 40, "codec": codec, "store": store, "with_patterns": True}
    data = RealTransitionDataset(part, mode="mixed", **options)  # type: ignore[arg-type]
    kinds = 0
    for item in range(40):
        pair = data[item]
        for end in ("source", "target"):
            image, group = pair[f"{end}_pattern"], pair[f"{end}_idx"]
            assert (image.shape, image.dtype) == ((3, SIDE, SIDE), torch.float32)
            mean, _ = codec.encode(image[None], torch.tensor([group]))
            torch.testing.assert_close(mean[0], pair[f"z_{end}"])
        kinds += bool(image.std((1, 2)).max() > 0.1)
    assert kinds == 20


def test_a_dataset_is_opened_from_a_file(tmp_path: Path) -> None:
    store, codec = dataset(tmp_path, per_group=4), LinearCodec()
    data = RealTransitionDataset.from_file(store.path, codec, "v1", split="val", mode="cross", pairs_per_epoch=30)
    assert np.array_equal(data.latents.index.numpy(), store.splits["val"])
    RealTransitionDataset.from_file(store.path, codec, "v1", split="train", with_patterns=True)
    assert codec.calls == 2  # 68 patterns in batches of 64, once
    with pytest.raises(ValueError, match="`split` must be one of train, val, test, but got 'dev'"):
        RealTransitionDataset.from_file(store.path, codec, "v1", split="dev")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "both"}, "`mode` must be one of cross, same, mixed, but got 'both'"),
        ({"pairs_per_epoch": 0}, "`pairs_per_epoch >= 1` must hold, but got 0"),
        ({"bases": 0}, "`bases >= 1` must hold, but got 0"),
        ({"mode": "mixed"}, "mode 'mixed' decodes and encodes, but got codec=None"),
        ({"with_patterns": True}, "`with_patterns` in mode 'cross' reads images, but got store=None"),
    ],
)
def test_what_cannot_be_paired_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RealTransitionDataset(latents(), **options)  # type: ignore[arg-type]


def test_too_few_latents_are_refused() -> None:
    with pytest.raises(ValueError, match="latents of two groups at least, but got 1; use a larger split"):
        RealTransitionDataset(latents().take([0, 17]))
    with pytest.raises(ValueError, match="at least one latent must be given, but got none"):
        RealTransitionDataset(latents().take(torch.empty(0, dtype=torch.int64)))
