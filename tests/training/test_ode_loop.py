"""The loop that trains the transition field: what it keeps, how it stops and resumes, what it learns."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from wallpaper.data.latents import Latents
from wallpaper.data.pairs import RealTransitionDataset
from wallpaper.models.embedding import GroupEmbedding
from wallpaper.training.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from wallpaper.training.ode_config import OdeConfig
from wallpaper.training.ode_loop import OdeResult, fit_ode, load_ode
from wallpaper.training.ode_pairs import validation_pairs
from wallpaper.training.report import Row, read_history
from wallpaper.training.stopping import Interrupted, TrainingError
from wallpaper.training.transport_metrics import pair_table, summary

TINY = OdeConfig(
    epochs=3, pairs_per_epoch=96, batch_size=32, hidden_dim=16, time_points=4,
    solver="midpoint", solver_steps=2, validation_pairs=4, validation_points=8,
)  # fmt: skip


def gaussians(seed: int, per_group: int, groups: int = 17, spread: float = 0.3) -> Latents:
    """Group g is a Gaussian on a circle of radius 2, stretched along its own direction."""
    labels = torch.arange(groups).repeat_interleave(per_group)
    angle = labels * (2 * math.pi / groups)
    noise = spread * torch.randn(len(labels), 2, generator=torch.Generator().manual_seed(seed))
    radial = torch.stack([angle.cos(), angle.sin()], dim=1)
    return Latents((2 + 2 * noise[:, :1]) * radial + noise[:, 1:] * radial.flip(1), labels)


TRAIN, HELD_OUT = gaussians(1, 12, groups=4), gaussians(2, 6, groups=4)


def fit(config: OdeConfig, folder: Path, **options: Any) -> OdeResult:
    return fit_ode(config, TRAIN, HELD_OUT, folder, **options)


def without_time(rows: list[Row]) -> list[Row]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


@pytest.mark.parametrize("objective", ["flow", "endpoint"])
def test_a_training_reports_and_keeps_all_that_is_promised(objective: Any, tmp_path: Path) -> None:
    rows: list[Any] = []
    ticks: list[tuple[int, int]] = []
    config = replace(TINY, objective=objective)
    result = fit(
        config, tmp_path, report=rows.append, progress=lambda *tick: ticks.append(tick), vae_info={"digest": "x"}
    )
    assert ticks == [(done, 9) for done in range(1, 10)]
    assert rows == result.history == read_history(tmp_path)
    names = {"epoch", "epochs", "learning_rate", "seconds", "nfe_mean", "trajectory_length_mean"}
    terms = {"loss", "endpoint", "smoothness", "velocity", "gradient_norm"} | (
        {"flow"} if objective == "flow" else set()
    )
    figures = {"endpoint", "energy_distance", "energy_floor", "wasserstein2", "wasserstein2_floor", "variance_ratio"}
    figures |= {"path_length", "curvature", "cycle_error", "nfe"}
    assert set(rows[0]) == names | {f"train/{name}" for name in terms} | {f"val/{name}" for name in figures}
    assert rows[0]["nfe_mean"] == 5
    assert rows[0]["trajectory_length_mean"] > 0
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert rows[-1]["learning_rate"] < rows[0]["learning_rate"] < config.learning_rate
    if objective == "endpoint":
        expected = rows[0]["train/endpoint"] + 0.1 * rows[0]["train/smoothness"] + 0.01 * rows[0]["train/velocity"]
        assert rows[0]["train/loss"] == pytest.approx(expected, rel=1e-5)
    best = min(rows, key=lambda row: row["val/wasserstein2"])
    assert result.best_epoch == best["epoch"] == load_checkpoint(tmp_path, "best").meta["epoch"]
    assert load_checkpoint(tmp_path, "last").meta["vae"] == {"digest": "x"}
    assert json.loads((tmp_path / "config.json").read_text())["objective"] == objective


def test_the_best_model_is_the_one_returned_and_loaded(tmp_path: Path) -> None:
    result = fit(TINY, tmp_path)
    weights = load_checkpoint(tmp_path, "best").weights
    for ode in (result.ode, load_ode(tmp_path)):
        assert not ode.training
        assert all(torch.equal(value, weights[name]) for name, value in ode.state_dict().items())
    table = pair_table(result.ode, HELD_OUT, TRAIN, pairs=validation_pairs(TRAIN, HELD_OUT, 4), points=8)
    row = result.history[result.best_epoch - 1]
    assert summary(table)["energy_distance"] == pytest.approx(row["val/energy_distance"], rel=1e-5)
    assert float(result.ode.standardise(TRAIN.mean).square().mean()) == pytest.approx(1.0, rel=1e-4)


def test_the_seed_decides_bitwise(tmp_path: Path) -> None:
    one, again = fit(TINY, tmp_path / "a"), fit(TINY, tmp_path / "b")
    other = fit(replace(TINY, seed=1), tmp_path / "c")
    assert without_time(one.history) == without_time(again.history)
    assert one.digest == again.digest != other.digest


def test_training_takes_one_thread_and_gives_the_others_back(tmp_path: Path) -> None:
    before, seen = torch.get_num_threads(), []
    torch.set_num_threads(2)
    try:
        fit(TINY, tmp_path, report=lambda row: seen.append(torch.get_num_threads()))
        assert (set(seen), torch.get_num_threads()) == ({1}, 2)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("objective", ["flow", "endpoint"])
@pytest.mark.parametrize("batches", [1, 3, 4, 8])
def test_a_stopped_run_resumes_to_the_same_numbers(objective: Any, batches: int, tmp_path: Path) -> None:
    config = replace(TINY, objective=objective)
    whole = fit(config, tmp_path / "whole")
    done: list[int] = []
    with pytest.raises(Interrupted) as caught:
        fit(config, tmp_path / "cut", progress=lambda done_, _: done.append(done_), stop=lambda: len(done) == batches)
    assert caught.value.folder == tmp_path / "cut"
    assert done[-1] == batches
    resumed = fit(config, tmp_path / "cut", resume=True, progress=lambda done_, _: done.append(done_))
    assert done == list(range(1, 10))
    assert without_time(resumed.history) == without_time(whole.history)
    assert resumed.digest == whole.digest
    last, expected = (load_checkpoint(tmp_path / name, "last").weights for name in ("cut", "whole"))
    assert all(torch.equal(last[name], value) for name, value in expected.items())


def test_a_report_may_end_the_run_and_the_epoch_is_kept(tmp_path: Path) -> None:
    def report(row: Any) -> None:
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        fit(TINY, tmp_path, report=report)
    assert len(read_history(tmp_path)) == 1
    resumed = fit(TINY, tmp_path, resume=True)
    assert [row["epoch"] for row in resumed.history] == [1, 2, 3]


def test_a_finished_run_can_be_resumed_for_more_epochs(tmp_path: Path) -> None:
    fit(replace(TINY, scheduler="constant"), tmp_path / "a")
    longer = replace(TINY, scheduler="constant", epochs=5)
    resumed, whole = fit(longer, tmp_path / "a", resume=True), fit(longer, tmp_path / "b")
    strip = [{key: value for key, value in row.items() if key != "epochs"} for row in without_time(resumed.history)]
    assert strip == [{k: v for k, v in row.items() if k != "epochs"} for row in without_time(whole.history)]


def test_only_the_same_run_is_resumed(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        fit(TINY, tmp_path / "none", resume=True)
    fit(TINY, tmp_path)
    with pytest.raises(CheckpointError, match="batch_size was 32, is now 16"):
        fit(replace(TINY, batch_size=16), tmp_path, resume=True)
    with pytest.raises(CheckpointError, match="same settings and data, but data was"):
        fit_ode(TINY, gaussians(9, 12, groups=4), HELD_OUT, tmp_path, resume=True)


def test_another_models_checkpoint_is_refused(tmp_path: Path) -> None:
    for name in ("best", "last"):
        save_checkpoint(tmp_path, name, weights={"a": torch.zeros(1)}, state={}, meta={"vae": {}})
    with pytest.raises(CheckpointError, match=r"must hold a transition field, but holds \['vae'\]"):
        load_ode(tmp_path)
    with pytest.raises(CheckpointError, match="must hold a transition field"):
        fit(TINY, tmp_path, resume=True)


def test_a_new_run_replaces_an_older_one(tmp_path: Path) -> None:
    fit(TINY, tmp_path)
    with pytest.raises(Interrupted):
        fit(replace(TINY, seed=1), tmp_path, stop=lambda: True)
    assert not (tmp_path / "history.json").exists()
    assert not (tmp_path / "best.safetensors").exists()


def test_validation_happens_when_asked_and_at_the_end(tmp_path: Path) -> None:
    result = fit(replace(TINY, epochs=5, validate_every=3), tmp_path)
    assert ["val/energy_distance" in row for row in result.history] == [False, False, True, False, True]
    assert result.best_epoch in (3, 5)


@pytest.mark.parametrize("objective", ["flow", "endpoint"])
def test_numbers_that_are_not_finite_end_the_run_and_leave_the_checkpoint(objective: Any, tmp_path: Path) -> None:
    wild = replace(TINY, objective=objective, learning_rate=1e12, gradient_clip=1e30, scheduler="constant", epochs=20)
    with pytest.raises(TrainingError, match=r"lower `learning_rate`"):
        fit(wild, tmp_path)
    for path in tmp_path.glob("last.safetensors"):
        assert all(bool(value.isfinite().all()) for value in load_checkpoint(path.parent, "last").weights.values())


class Codec:
    """An encoder and decoder whose image is one pixel that holds latent and group."""

    def decode(self, z: Tensor, group: Tensor) -> Tensor:
        return (z + 10.0 * group[:, None])[:, :, None, None]

    def encode(self, image: Tensor, group: Tensor) -> tuple[Tensor, Tensor]:
        return image[:, :, 0, 0], image[:, :, 0, 0]


def test_same_pairs_must_fit() -> None:
    mixed = replace(TINY, transition_mode="mixed")
    with pytest.raises(ValueError, match="'mixed' needs `same_pairs` in mode 'same', but got None"):
        fit(mixed, Path("unused"))
    with pytest.raises(ValueError, match="but got a dataset in mode 'cross'"):
        fit(mixed, Path("unused"), same_pairs=RealTransitionDataset(TRAIN))
    few = RealTransitionDataset(TRAIN, mode="same", codec=Codec(), pairs_per_epoch=47)
    with pytest.raises(ValueError, match="must give 48 pairs an epoch, but gives 47"):
        fit(mixed, Path("unused"), same_pairs=few)


def test_latents_that_cannot_be_trained_on_are_refused() -> None:
    with pytest.raises(ValueError, match=r"only \[\] have; use a larger dataset"):
        fit_ode(TINY, TRAIN, gaussians(0, 1), Path("unused"))
    with pytest.raises(ValueError, match="latents must have one dimension, but got 2 and 3"):
        fit_ode(TINY, TRAIN, Latents(torch.zeros(len(HELD_OUT), 3), HELD_OUT.labels), Path("unused"))
    broken = TRAIN.mean.clone()
    broken[3] = torch.nan
    with pytest.raises(ValueError, match="latents of the split 'train' must be finite"):
        fit_ode(TINY, Latents(broken, TRAIN.labels), HELD_OUT, Path("unused"))
    with pytest.raises(ValueError, match="the split 'val' must hold at least one pattern, but is empty; generate more"):
        fit_ode(TINY, TRAIN, HELD_OUT.take([]), Path("unused"))


def test_flow_with_optimal_pairs_keeps_the_spread_that_random_endpoints_collapse(tmp_path: Path) -> None:
    """Why flow and ot are the defaults: 17 Gaussians in the plane, a few seconds each."""
    train, held_out = gaussians(1, 60), gaussians(2, 30)
    base = OdeConfig(
        epochs=12, pairs_per_epoch=10_000, hidden_dim=64, learning_rate=1e-2, solver="midpoint", solver_steps=4,
        time_points=5, validation_pairs=34, validate_every=12,
    )  # fmt: skip
    flow = fit_ode(base, train, held_out, tmp_path / "flow").history[-1]
    plan = replace(base, objective="endpoint", coupling="random", epochs=2, learning_rate=4e-3)
    collapsed = fit_ode(plan, train, held_out, tmp_path / "endpoint").history[-1]
    assert flow["val/variance_ratio"] == pytest.approx(1.0, abs=0.25)
    assert flow["val/wasserstein2"] < 1.6 * flow["val/wasserstein2_floor"]
    assert flow["val/curvature"] < 0.05
    assert collapsed["val/variance_ratio"] < 0.3
    excess = [row["val/energy_distance"] - row["val/energy_floor"] for row in (flow, collapsed)]
    assert excess[1] > 4 * excess[0]


def test_the_plan_can_be_run_to_the_letter(tmp_path: Path) -> None:
    config = OdeConfig.preset(
        "baseline", epochs=1, pairs_per_epoch=16, hidden_dim=16, time_points=4, validation_pairs=2,
    )  # fmt: skip
    same = RealTransitionDataset(TRAIN, mode="same", codec=Codec(), pairs_per_epoch=16)
    result = fit(config, tmp_path, same_pairs=same)
    assert result.ode.adjoint
    assert result.history[0]["nfe_mean"] >= 14
    learned = load_checkpoint(tmp_path, "best").weights["embedding.weight"]
    start = GroupEmbedding(generator=torch.Generator().manual_seed(config.seed)).weight
    assert not torch.allclose(learned[:4], start[:4], rtol=0, atol=1e-3)
