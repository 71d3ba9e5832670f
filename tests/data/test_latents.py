from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.data.fake import LinearCodec, dataset
from wallpaper.data import Latents, cached_latents


def test_latents_are_the_encoders_means_in_the_stores_order(tmp_path: Path) -> None:
    store, codec, calls = dataset(tmp_path), LinearCodec(), []
    latents = cached_latents(
        store, codec, "v1", tmp_path / "cache", batch_size=10, progress=lambda *done: calls.append(done)
    )
    expected = store.batch(range(34))[:, :2].mean((2, 3)) + torch.from_numpy(store.labels)[:, None] / 100
    torch.testing.assert_close(latents.mean, expected)
    assert torch.equal(latents.labels, torch.from_numpy(store.labels))
    assert calls == [(10, 34), (20, 34), (30, 34), (34, 34)]
    assert not latents.mean.requires_grad


def test_the_encoder_runs_once_for_each_pair_of_digests(tmp_path: Path) -> None:
    store, codec = dataset(tmp_path / "a"), LinearCodec()
    first = cached_latents(store, codec, "v1", tmp_path / "cache")
    assert codec.calls == 1
    again = cached_latents(store, codec, "v1", tmp_path / "cache")
    assert codec.calls == 1
    assert torch.equal(first.mean, again.mean)
    assert torch.equal(first.labels, again.labels)
    cached_latents(store, codec, "v2", tmp_path / "cache")
    assert codec.calls == 2
    cached_latents(dataset(tmp_path / "b", seed=1), codec, "v1", tmp_path / "cache")
    assert codec.calls == 3
    assert len(list((tmp_path / "cache").iterdir())) == 3


def test_an_encoder_of_a_smaller_side_gets_every_kth_sample(tmp_path: Path) -> None:
    store, codec = dataset(tmp_path / "a"), LinearCodec()
    latents = cached_latents(store, codec, "v1", tmp_path / "cache", side=4)
    mean, _ = codec.encode(store.batch(range(34))[..., ::4, ::4], torch.from_numpy(store.labels))
    torch.testing.assert_close(latents.mean, mean)  # the mean of a strided view is summed in another order
    whole = cached_latents(store, codec, "v1", tmp_path / "cache")
    assert (whole.mean - mean).abs().max() > 0.01
    with pytest.raises(ValueError, match="`side` must divide the store's 16, but got 6"):
        cached_latents(store, codec, "v1", tmp_path / "cache", side=6)


@pytest.mark.parametrize("damage", ["truncated", "empty", "text", "nan", "labels", "shape", "missing"])
def test_a_damaged_cache_is_computed_again(tmp_path: Path, damage: str) -> None:
    store, codec = dataset(tmp_path / "a"), LinearCodec()
    expected = cached_latents(store, codec, "v1", tmp_path / "cache")
    (path,) = (tmp_path / "cache").iterdir()
    content = path.read_bytes()
    mean, labels = expected.mean.numpy(), store.labels
    if damage in ("truncated", "empty", "text"):
        path.write_bytes({"truncated": content[:-200], "empty": b"", "text": b"hello"}[damage])
    else:
        wrong = {
            "nan": {"mean": np.full_like(mean, np.nan), "labels": labels},
            "labels": {"mean": mean, "labels": labels[::-1]},
            "shape": {"mean": mean[:-1], "labels": labels},
            "missing": {"mean": mean},
        }
        np.savez(path, **wrong[damage])  # type: ignore[arg-type]
    assert torch.equal(cached_latents(store, codec, "v1", tmp_path / "cache").mean, expected.mean)
    assert codec.calls == 2
    cached_latents(store, codec, "v1", tmp_path / "cache")
    assert codec.calls == 2


@pytest.mark.parametrize("training", [True, False])
def test_a_module_is_evaluated_and_gets_its_mode_back(tmp_path: Path, training: bool) -> None:
    codec = LinearCodec().train(training)
    cached_latents(dataset(tmp_path), codec, "v1", tmp_path / "cache")
    assert codec.modes == [False]
    assert codec.training == training


class Broken(LinearCodec):
    """An encoder with one NaN, or with a shape that is no mean."""

    def __init__(self, problem: str) -> None:
        super().__init__()
        self.problem = problem

    def encode(self, image: Tensor, group: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = super().encode(image, group)
        mean[3, 1] = torch.nan
        return (mean if self.problem == "nan" else mean[:-1]), log_variance


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        ("nan", "must be finite, but is not for pattern 3; train it again"),
        ("shape", r"must be \(34, d\), but got \(33, 2\)"),
    ],
)
def test_an_encoder_that_fails_leaves_no_cache(tmp_path: Path, problem: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cached_latents(dataset(tmp_path), Broken(problem), "v1", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_digest_that_is_no_file_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"`encoder_digest` must be letters, digits, - and _, but got '\.\./x'"):
        cached_latents(dataset(tmp_path), LinearCodec(), "../x", tmp_path / "cache")


def test_a_part_still_points_into_the_store() -> None:
    latents = Latents(torch.arange(12.0).view(6, 2), torch.arange(6))
    part = latents.take(np.array([4, 1])).take([0])
    assert (part.index.tolist(), part.labels.tolist(), part.mean.tolist()) == ([4], [4], [[8.0, 9.0]])
    assert (len(latents), latents.dimension, latents.index.tolist()) == (6, 2, [0, 1, 2, 3, 4, 5])


def test_latents_check_their_shapes() -> None:
    with pytest.raises(ValueError, match=r"`mean` must be float32 \(N, d\), but got torch\.float64 \(3, 2\)"):
        Latents(torch.zeros(3, 2).double(), torch.zeros(3, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"`labels` must be int64 \(3,\), but got torch\.int64 \(2,\)"):
        Latents(torch.zeros(3, 2), torch.zeros(2, dtype=torch.int64))
