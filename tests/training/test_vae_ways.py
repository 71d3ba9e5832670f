"""Ways of computing a VAE's training: none changes what must stay, and each resumes to the same numbers."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.fake_store import FakeStore
from tests.training.test_vae_loop import BATCHES, CONFIG, after, timeless
from wallpaper.training.checkpoint import load_checkpoint, weights_digest
from wallpaper.training.resident_source import ResidentSource, resident
from wallpaper.training.stopping import Interrupted
from wallpaper.training.vae_loop import fit_vae, load_vae


@pytest.mark.parametrize("polls", [BATCHES + 2, 3 * BATCHES])
@pytest.mark.parametrize(
    "changes",
    [{"prefetch": True, "recolour": True}, {"ema_decay": 0.9}, {"precision": "bf16"}, {"channels_last": True}],
    ids=str,
)
def test_every_way_of_computing_resumes_to_the_same_numbers(
    tmp_path: Path, changes: dict[str, Any], polls: int
) -> None:
    config = replace(CONFIG, **changes)
    whole = fit_vae(config, FakeStore(), tmp_path / "whole")
    with pytest.raises(Interrupted):
        fit_vae(config, FakeStore(), tmp_path / "cut", stop=after(polls))
    resumed = fit_vae(config, FakeStore(), tmp_path / "cut", resume=True)
    assert timeless(resumed.history) == timeless(whole.history)
    assert resumed.digest == whole.digest


def test_preparing_batches_ahead_changes_no_number(tmp_path: Path) -> None:
    config = replace(CONFIG, epochs=1, recolour=True)
    plain = fit_vae(config, FakeStore(), tmp_path / "plain")
    assert fit_vae(replace(config, prefetch=True), FakeStore(), tmp_path / "ahead").digest == plain.digest
    assert [thread.name for thread in threading.enumerate() if thread.name == "batches"] == []


def test_computing_in_bf16_is_near(tmp_path: Path) -> None:
    exact = fit_vae(replace(CONFIG, epochs=1), FakeStore(), tmp_path / "a").history[0]
    near = fit_vae(replace(CONFIG, epochs=1, precision="bf16"), FakeStore(), tmp_path / "b").history[0]
    assert near["train/loss"] == pytest.approx(exact["train/loss"], rel=0.02)


def test_the_average_of_the_weights_is_validated_and_kept(tmp_path: Path) -> None:
    config = replace(CONFIG, ema_decay=0.9)
    result = fit_vae(config, FakeStore(), tmp_path / "average")
    plain = fit_vae(CONFIG, FakeStore(), tmp_path / "plain")
    last, average = load_checkpoint(tmp_path / "average", "last"), load_vae(tmp_path / "average").state_dict()
    assert weights_digest(last.weights) == weights_digest(load_checkpoint(tmp_path / "plain", "last").weights)
    assert [row["train/loss"] for row in result.history] == [row["train/loss"] for row in plain.history]
    assert result.history[-1]["val/loss"] != plain.history[-1]["val/loss"]
    assert result.best_epoch == 3
    assert all(torch.equal(value, last.state[f"average/{name}"]) for name, value in average.items())


class FrozenStore(FakeStore):
    """Each look at the validation split is a little darker than the one before, so that none is better."""

    looks = 0

    def batch(self, indices: Any) -> torch.Tensor:
        if int(indices[0]) == int(self.splits["val"][0]):
            self.looks += 1
            return super().batch(indices) * 0.9**self.looks
        return super().batch(indices)


def test_a_training_ends_when_patience_does(tmp_path: Path) -> None:
    still = replace(CONFIG, epochs=9, learning_rate=1e-30, warmup=0, patience=2, weight_decay=0.0)
    ended = fit_vae(replace(still, hidden_dims=(4,), head="rgb"), FrozenStore(), tmp_path)
    assert len(ended.history) - ended.best_epoch == 2
    assert len(ended.history) < 9
    again = fit_vae(replace(still, hidden_dims=(4,)), FrozenStore(), tmp_path, resume=True)
    assert again.history == ended.history
    longer = fit_vae(replace(still, hidden_dims=(4,), patience=0), FrozenStore(), tmp_path, resume=True)
    assert len(longer.history) == 9


def test_a_compiled_objective_is_what_the_steps_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self: compiled.append(type(self).__name__))
    fit_vae(replace(CONFIG, epochs=1, compile=True), FakeStore(), tmp_path)
    assert compiled == ["VaeObjective"]


@pytest.mark.parametrize("side", [16, 32])
def test_a_dataset_on_the_device_gives_the_same_numbers(side: int, tmp_path: Path) -> None:
    exact, bytewise = FakeStore(side=side), FakeStore(side=side)
    bytewise.images = (bytewise.images * 255).round().div(255)
    for store, dtype in ((exact, torch.float32), (bytewise, torch.uint8)):
        held = ResidentSource(store, 16, "cpu")
        assert held._images.dtype == dtype
        assert torch.equal(
            held.batch(store.splits["val"]), store.batch(store.splits["val"])[..., :: side // 16, :: side // 16]
        )
        config = replace(CONFIG, epochs=1)
        found = fit_vae(config, held, tmp_path / "held")
        assert found.digest == fit_vae(config, store, tmp_path / "file").digest
    assert resident(exact, 16, torch.device("cpu")) is exact
