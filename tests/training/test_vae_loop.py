from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.fake_store import FakeStore
from wallpaper.plane import GROUP_NAMES
from wallpaper.training.checkpoint import CheckpointError, load_checkpoint, save_checkpoint, weights_digest
from wallpaper.training.config import load_config
from wallpaper.training.pattern_source import images
from wallpaper.training.report import Row, read_history
from wallpaper.training.schedule import learning_rate
from wallpaper.training.stopping import Interrupted, StopRequest, TrainingError
from wallpaper.training.vae_config import VaeConfig
from wallpaper.training.vae_loop import fit_vae, load_vae, validate

CONFIG = VaeConfig(
    resolution=16,
    latent_dim=3,
    hidden_dims=(4, 8),
    pool="flatten",
    epochs=3,
    batch_size=8,
    learning_rate=3e-3,
    augment=True,
    warmup=2,
    invariance_every=2,
)
BATCHES = 4  # of 8 of the 25 training patterns of a FakeStore


def timeless(rows: list[Row]) -> list[Row]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def after(calls: int) -> Callable[[], bool]:
    """A stop that asks to stop at its n-th poll."""
    count = itertools.count(1)
    return lambda: next(count) >= calls


def test_a_run_reports_rows_writes_its_folder_and_learns(tmp_path: Path) -> None:
    config = replace(CONFIG, epochs=20, augment=False, beta=0.01, learning_rate=0.01)
    rows: list[Row] = []
    ticks: list[tuple[int, int]] = []
    result = fit_vae(
        config,
        FakeStore(),
        tmp_path,
        report=lambda row: rows.append(dict(row)),
        progress=lambda done, total: ticks.append((done, total)),
    )
    assert [row["epoch"] for row in rows] == list(range(1, 21))
    assert ticks == [(k, 80) for k in range(1, 81)]
    assert rows[-1]["train/mse"] < 0.7 * rows[0]["train/mse"]
    assert {type(value) for row in rows for value in row.values()} <= {int, float}
    terms = rows[0]["train/reconstruction"] + 0.01 * rows[0]["train/kl"] + 10 * rows[0]["train/invariance"]
    assert rows[0]["train/loss"] == pytest.approx(terms)
    assert rows[0]["val/psnr"] == pytest.approx(-10 * np.log10(rows[0]["val/mse"]))
    assert rows[0]["val/reconstruction"] == pytest.approx(rows[0]["val/mse"] * 3 * 16 * 16)
    assert [row["learning_rate"] for row in rows[:2]] == [learning_rate(0.01, k, 80, "cosine", 2) for k in (3, 7)]
    assert rows == result.history == read_history(tmp_path)
    assert result.best_epoch == min(rows, key=lambda row: row["val/loss"])["epoch"]
    assert load_config(VaeConfig, tmp_path / "config.json") == config
    names = {"best.json", "best.safetensors", "config.json", "history.json", "last.json", "last.safetensors"}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_the_loaded_vae_is_the_best_epochs(tmp_path: Path) -> None:
    result, store = fit_vae(CONFIG, FakeStore(), tmp_path), FakeStore()
    vae = load_vae(tmp_path)
    assert not vae.training
    assert result.digest == weights_digest(vae.state_dict()) == weights_digest(result.vae.state_dict())
    best = result.history[result.best_epoch - 1]
    found = validate(vae, CONFIG, store, store.splits["val"])
    assert found == {name: value for name, value in best.items() if name.startswith("val/")}
    assert load_checkpoint(tmp_path, "best").meta["row"] == best


def test_the_same_seed_gives_the_same_losses_and_another_does_not(tmp_path: Path) -> None:
    torch.manual_seed(1)
    first = fit_vae(CONFIG, FakeStore(), tmp_path / "a")
    torch.manual_seed(2)  # torch's global generator must not matter
    state = torch.get_rng_state()
    again = fit_vae(CONFIG, FakeStore(), tmp_path / "b")
    assert torch.equal(torch.get_rng_state(), state)
    assert timeless(first.history) == timeless(again.history)
    assert first.digest == again.digest
    assert fit_vae(replace(CONFIG, seed=1), FakeStore(), tmp_path / "c").digest != first.digest


@pytest.mark.parametrize(
    "polls", [1, BATCHES, BATCHES + 2, 3 * BATCHES], ids=["first", "end-of-epoch", "middle", "last"]
)
def test_an_interrupted_run_resumes_to_the_same_numbers(tmp_path: Path, polls: int) -> None:
    whole = fit_vae(CONFIG, FakeStore(), tmp_path / "whole")
    with pytest.raises(Interrupted) as caught:
        fit_vae(CONFIG, FakeStore(), tmp_path / "cut", stop=after(polls))
    assert caught.value.epoch == (polls - 1) // BATCHES + 1
    resumed = fit_vae(CONFIG, FakeStore(), tmp_path / "cut", resume=True)
    assert timeless(resumed.history) == timeless(whole.history)
    assert resumed.digest == whole.digest
    last = [load_checkpoint(tmp_path / name, "last") for name in ("whole", "cut")]
    assert weights_digest(last[0].weights) == weights_digest(last[1].weights)
    assert weights_digest(last[0].state) == weights_digest(last[1].state)


def test_a_sigterm_saves_and_ends_the_run(tmp_path: Path) -> None:
    with StopRequest() as stop, pytest.raises(Interrupted, match="stopped in epoch 2"):
        fit_vae(
            CONFIG,
            FakeStore(),
            tmp_path,
            stop=stop,
            progress=lambda done, _: os.kill(os.getpid(), signal.SIGTERM) if done == BATCHES + 1 else None,
        )
    loop = load_checkpoint(tmp_path, "last").meta["loop"]
    assert (loop["epoch"], loop["position"]) == (2, 1)


def test_a_report_that_raises_ends_the_run_between_epochs(tmp_path: Path) -> None:
    whole = fit_vae(CONFIG, FakeStore(), tmp_path / "whole")

    def prune(row: Mapping[str, Any]) -> None:
        raise LookupError(f"epoch {row['epoch']}")

    with pytest.raises(LookupError, match="epoch 1"):
        fit_vae(CONFIG, FakeStore(), tmp_path / "cut", report=prune)
    resumed = fit_vae(CONFIG, FakeStore(), tmp_path / "cut", resume=True)
    assert timeless(resumed.history) == timeless(whole.history)


def test_a_finished_run_can_go_on_for_more_epochs(tmp_path: Path) -> None:
    fit_vae(CONFIG, FakeStore(), tmp_path)
    assert len(fit_vae(CONFIG, FakeStore(), tmp_path, resume=True).history) == 3
    longer = fit_vae(replace(CONFIG, epochs=4), FakeStore(), tmp_path, resume=True)
    assert [row["epoch"] for row in longer.history] == [1, 2, 3, 4]


def test_resuming_with_other_settings_or_data_is_refused(tmp_path: Path) -> None:
    fit_vae(CONFIG, FakeStore(), tmp_path)
    with pytest.raises(CheckpointError, match=r"same settings and data, but beta was 1\.0, is now 2\.0"):
        fit_vae(replace(CONFIG, beta=2.0), FakeStore(), tmp_path, resume=True)
    with pytest.raises(CheckpointError, match="data was 'fake', is now 'other'"):
        fit_vae(CONFIG, FakeStore(digest="other"), tmp_path, resume=True)
    with pytest.raises(CheckpointError, match=r"no checkpoint at .*nothing/last\.safetensors"):
        fit_vae(CONFIG, FakeStore(), tmp_path / "nothing", resume=True)


def test_a_new_run_removes_the_older_one(tmp_path: Path) -> None:
    fit_vae(CONFIG, FakeStore(), tmp_path)
    with pytest.raises(Interrupted):
        fit_vae(CONFIG, FakeStore(), tmp_path, stop=lambda: True)
    with pytest.raises(CheckpointError, match=r"no checkpoint at .*best"):
        load_vae(tmp_path)


class PoisonedStore(FakeStore):
    """Hands out a NaN in one pattern of its batches, after some that are good."""

    def __init__(self, good: int) -> None:
        super().__init__()
        self.left, self.spoilt = good, -1

    def batch(self, indices: Any) -> torch.Tensor:
        image = super().batch(indices).clone()
        self.left -= 1
        if self.left < 0:
            self.spoilt = int(indices[-1]) if self.spoilt < 0 else self.spoilt
            image[np.asarray(indices) == self.spoilt, 1, 2, 3] = float("nan")
        return image


def test_a_loss_that_is_not_finite_ends_the_run_and_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    validation = 2  # batches of the 9 validation patterns
    store = PoisonedStore(BATCHES + validation + 2)
    with pytest.raises(TrainingError) as caught:
        fit_vae(CONFIG, store, tmp_path)
    named = f"pattern {store.spoilt} ({GROUP_NAMES[store.labels[store.spoilt]]})"
    assert str(caught.value).startswith(
        f"the loss must be finite, but is nan in epoch 2, batch 3; {named} is not finite itself: correct the dataset. "
    )
    checkpoint = load_checkpoint(tmp_path, "last")
    assert checkpoint.meta["loop"]["epoch"] == 2
    assert all(value.isfinite().all() for value in checkpoint.weights.values())
    clean = fit_vae(CONFIG, FakeStore(), tmp_path / "clean")
    assert timeless(fit_vae(CONFIG, FakeStore(), tmp_path, resume=True).history) == timeless(clean.history)


def test_a_validation_that_is_not_finite_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"is nan in the validation of epoch 1; pattern \d+ \(\w+\) is not finite"):
        fit_vae(CONFIG, PoisonedStore(BATCHES), tmp_path)
    wild = replace(CONFIG, learning_rate=1e30, gradient_clip=1e30, warmup=0)
    with pytest.raises(
        TrainingError, match=r"first of them pattern \d+ \(\w+\): train again with a lower `learning_rate`"
    ):
        fit_vae(wild, FakeStore(), tmp_path / "wild")


def test_validation_every_other_epoch_and_at_the_end(tmp_path: Path) -> None:
    result = fit_vae(replace(CONFIG, validate_every=2), FakeStore(), tmp_path)
    assert ["val/loss" in row for row in result.history] == [False, True, True]
    assert result.best_epoch in (2, 3)


@pytest.mark.parametrize(
    "changes",
    [
        {"augment": False},
        {"learning_rate": 1e-3},
        {"scheduler": "constant"},
        {"warmup": 0},
        {"weight_decay": 0.1},
        {"beta": 0.0},
        {"batch_size": 9},
        {"latent_dim": 4},
        {"pool": "average"},
        {"head": "palette"},
        {"ema_decay": 0.9},
        {"precision": "bf16"},
        {"recolour": True},
    ],
    ids=str,
)
def test_every_setting_matters(tmp_path: Path, reference: str, changes: dict[str, Any]) -> None:
    assert fit_vae(replace(CONFIG, epochs=1, **changes), FakeStore(), tmp_path).digest != reference


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Digest of one epoch with `CONFIG`."""
    return fit_vae(replace(CONFIG, epochs=1), FakeStore(), tmp_path_factory.mktemp("reference")).digest


def test_gradients_are_clipped(tmp_path: Path) -> None:
    config = replace(CONFIG, epochs=1, warmup=0, weight_decay=0.0)
    free = fit_vae(config, FakeStore(), tmp_path / "free")
    clipped = fit_vae(replace(config, gradient_clip=1e-12), FakeStore(), tmp_path / "clipped")
    assert free.history[0]["train/gradient_norm"] > 1
    start = fit_vae(replace(config, learning_rate=1e-12), FakeStore(), tmp_path / "start")

    def travelled(result: Any) -> float:
        pairs = zip(result.vae.parameters(), start.vae.parameters(), strict=True)
        return sum(float((a - b).detach().abs().sum()) for a, b in pairs)

    assert travelled(clipped) < 0.01 * travelled(free)  # below AdamW's eps, steps vanish


def test_larger_patterns_are_sampled_exactly_and_others_refused(tmp_path: Path) -> None:
    store = FakeStore(side=32)
    found = images(store, np.array([3, 5]), 16)
    assert torch.equal(found, store.images[[3, 5]][:, :, ::2, ::2])
    fit_vae(replace(CONFIG, epochs=1), store, tmp_path)
    with pytest.raises(ValueError, match=r"`side % resolution == 0` must hold, but the patterns have 24 .* model 16"):
        fit_vae(CONFIG, FakeStore(side=24), tmp_path)
    with pytest.raises(ValueError, match="the patterns have 8 samples a side and the model 16"):
        fit_vae(CONFIG, FakeStore(side=8), tmp_path)


def test_an_empty_split_is_refused(tmp_path: Path) -> None:
    store = FakeStore()
    store.splits["val"] = store.splits["test"]
    with pytest.raises(ValueError, match="split 'val' must hold at least one pattern"):
        fit_vae(CONFIG, store, tmp_path)


def test_another_phases_checkpoint_is_not_a_vae(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, "best", weights={"a": torch.zeros(1)}, state={}, meta={"ode": {}})
    with pytest.raises(CheckpointError, match=r"best\.safetensors must hold a VAE, but holds \['ode'\]"):
        load_vae(tmp_path)
