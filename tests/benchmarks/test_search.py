"""The benchmark of the search: its surface has the optimum that it says, and every way spends what it may."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
import torch
from click.testing import CliRunner

from benchmarks import search as benchmark
from benchmarks.measuring import Findings
from benchmarks.search_arms import Clock, Proposer, Way, in_a_loop, search
from benchmarks.search_trainings import (
    DIVERGES,
    OPTIMUM,
    best_rate,
    excess,
    ode_training,
    propose,
    training,
    value,
)
from wallpaper.data import Latents
from wallpaper.models.vae import SymmetryVAE
from wallpaper.training.checkpoint import weights_digest
from wallpaper.training.config import from_mapping
from wallpaper.training.ode_config import CRITERION, OdeConfig
from wallpaper.training.ode_loop import fit_ode, load_ode

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def proposals() -> list[dict[str, Any]]:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    return [propose(study.ask()) for _ in range(400)]


def test_proposals_are_settings_and_conditional(proposals: list[dict[str, Any]]) -> None:
    for settings in proposals:
        assert from_mapping(OdeConfig, settings).solver == settings["solver"]
        assert ("rtol" in settings) == (settings["solver"] == "dopri5") == ("solver_steps" not in settings)
    assert {settings["solver"] for settings in proposals} == {"dopri5", "rk4", "midpoint", "euler"}


def test_nothing_is_better_than_the_optimum(proposals: list[dict[str, Any]]) -> None:
    best = value(OPTIMUM, 12, 12)
    assert min(value(from_mapping(OdeConfig, settings), 12, 12) for settings in proposals) > best
    for name, steps in {"learning_rate": (0.9, 1.1), "weight_decay": (0.5, 2.0), "rtol": (2.0, 3.0)}.items():
        for step in steps:
            moved = from_mapping(OdeConfig, {name: getattr(OPTIMUM, name) * step}, OPTIMUM)
            assert value(moved, 12, 12) > best
    others = {"batch_size": (32, 128), "hidden_dim": (128, 256), "embedding_dim": (16, 64), "warmup": (0, 200)}
    for name, choices in {**others, "scheduler": ("constant",), "solver": ("rk4", "euler")}.items():
        for choice in choices:
            assert value(from_mapping(OdeConfig, {name: choice}, OPTIMUM), 12, 12) > best


def test_curves_fall_and_some_cross() -> None:
    slow, fast = OPTIMUM, from_mapping(OdeConfig, {"learning_rate": 4 * OPTIMUM.learning_rate}, OPTIMUM)
    for config in (slow, fast):
        assert all(a > b for a, b in pairwise(value(config, epoch, 12) for epoch in range(1, 13)))
    assert excess(fast) > excess(slow)
    assert value(fast, 1, 12) < value(slow, 1, 12)  # what makes early stopping a risk


def test_noise_is_the_seeds_and_a_rate_far_too_high_diverges() -> None:
    calm = benchmark.PLAN
    first, again, other = (list(training(calm, 12, seed)) for seed in ((0, 1), (0, 1), (0, 2)))
    assert first == again != other
    clean = [value(from_mapping(OdeConfig, calm), epoch, 12) for epoch in range(1, 13)]
    assert np.log(np.array(first) / clean) == pytest.approx(0, abs=0.2)
    wild = {**calm, "learning_rate": 1.01 * DIVERGES * best_rate(from_mapping(OdeConfig, calm))}
    shown = list(training(wild, 12, (0, 1)))
    assert len(shown) == 2
    assert math.isnan(shown[1])


def made_up(epochs: int, settings: dict[str, Any], number: int) -> Iterator[float]:
    return training(settings, epochs, (7, number))


@pytest.mark.parametrize("name", list(benchmark.WAYS))
def test_every_way_begins_with_the_plan_and_spends_its_budget(name: str) -> None:
    done = search(
        benchmark.WAYS[name], partial(made_up, 9), propose, benchmark.PLAN, epochs=9, budget=70, workers=3, seed=1
    )
    assert done.trials[0].settings == benchmark.PLAN
    assert done.epochs == sum(trial.epoch for trial in done.trials) == 70
    whole = [trial for trial in done.trials if trial.epoch == 9]
    assert (len(whole) + 3 >= len(done.trials)) != benchmark.WAYS[name].asha  # ASHA stops many
    assert done.best.best == min(trial.best for trial in done.trials if not trial.diverged)


def test_as_many_trials_leave_epochs_unspent() -> None:
    done = search(
        Way("random", asha=True), partial(made_up, 9), propose, benchmark.PLAN, epochs=9, budget=72, trials=8, workers=3
    )
    assert len(done.trials) == 8
    assert done.epochs < 72
    assert done.epochs == sum(trial.epoch for trial in done.trials)


def test_asha_stops_what_is_worse_than_the_best_third() -> None:
    def known(settings: dict[str, Any], number: int) -> Iterator[float]:
        yield from [1.0 + number] * 9

    done = search(Way("random", asha=True), known, propose, benchmark.PLAN, epochs=9, budget=100, trials=5)
    assert [trial.epoch for trial in done.trials] == [9, 1, 1, 1, 1]
    assert done.best.number == 0


def test_a_diverged_trial_is_never_chosen_and_its_settings_are_told_as_bad() -> None:
    def known(settings: dict[str, Any], number: int) -> Iterator[float]:
        yield from [[0.5, math.nan], [3.0] * 4, [2.0] * 4][number]

    done = search(Way("tpe", asha=False), known, propose, benchmark.PLAN, epochs=4, budget=10)
    assert [(trial.epoch, trial.diverged) for trial in done.trials] == [(2, True), (4, False), (4, False)]
    assert (done.best.number, done.best.best, done.best.best_epoch) == (2, 2.0, 1)


def test_tpe_learns_from_what_it_is_told() -> None:
    """Told that only the learning rate counts, it proposes nearer to the best one than at random."""

    def off(way: Way) -> float:
        proposer = Proposer(way, propose, benchmark.PLAN, 30, 0)
        rates = []
        for number in range(60):
            rates.append(abs(math.log10(proposer.ask(number)["learning_rate"]) + 2.5))
            proposer.tell(number, rates[-1])
        return float(np.median(rates[30:]))

    assert off(Way("tpe", asha=False)) < 0.5 * off(Way("random", asha=False))


def test_the_excess_is_that_of_the_noiseless_curve() -> None:
    def known(settings: dict[str, Any], number: int) -> Iterator[float]:
        yield from [5.0, 1.0, 2.0]

    done = search(Way("random", asha=False), known, propose, benchmark.PLAN, epochs=3, budget=3)
    expected = 100 * (value(OdeConfig(), 2, 3) / value(OPTIMUM, 3, 3) - 1)
    assert benchmark.excess_percent(done.best, 3) == pytest.approx(expected)


def latents(seed: int) -> Latents:
    labels = torch.arange(3).repeat(6)
    return Latents(torch.randn(len(labels), 4, generator=torch.Generator().manual_seed(seed)), labels)


def test_real_trainings_told_epoch_by_epoch_are_the_same_as_in_one_go(tmp_path: Path) -> None:
    config = OdeConfig.preset("smoke", epochs=3, pairs_per_epoch=128, validation_points=4)
    vae = SymmetryVAE(resolution=16, latent_dim=4, hidden_dims=(8, 16))
    coupling = tmp_path / "coupling.npz"
    told = list(ode_training(config, latents(0), latents(1), tmp_path / "a", coupling=coupling, vae=vae))
    whole = fit_ode(config, latents(0), latents(1), tmp_path / "b", coupling_cache=coupling)
    assert told == [row[CRITERION] for row in whole.history]
    assert weights_digest(load_ode(tmp_path / "a").state_dict()) == whole.digest


def test_the_clock_leaves_the_first_trial_out() -> None:
    clock = Clock()
    clock.started, clock.ended, clock.inside = 0.0, [10.0, 11.5, 13.0], [9.0, 1.0, 1.2]
    assert (clock.first, clock.each) == (10.0, 1.5)
    assert (clock.training, clock.overhead) == (pytest.approx(1.1), pytest.approx(0.4))
    loop = in_a_loop(2)
    assert 0 < loop.training <= loop.each
    assert loop.overhead < 0.1 * loop.each


def test_the_surface_table_has_every_way(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    options = ["--section", "surface", "--seeds", "2", "--trials", "3", "--epochs", "3", "--json", str(path)]
    result = CliRunner().invoke(benchmark.main, options)
    assert result.exit_code in (0, 1), result.output  # two seeds may well contradict a prediction
    written = json.loads(path.read_text())
    (rows,) = written["tables"].values()
    assert [row["way"] for row in rows] == ["settings of the preset plan", *benchmark.WAYS, benchmark.AS_MANY]
    assert {row["epochs"] for row in rows[1:5]} == {9}
    assert rows[0]["median excess"] == pytest.approx(100 * (value(OdeConfig(), 3, 3) / value(OPTIMUM, 3, 3) - 1))
    assert result.exit_code == int(not all(each["holds"] for each in written["predictions"]))
    assert len(written["predictions"]) == 5


def clock(*ended: float) -> Clock:
    made = Clock()
    made.started, made.ended, made.inside = 0.0, list(ended), [0.5] * len(ended)
    return made


@pytest.mark.parametrize(("each", "holds"), [(1.0, True), (2.0, False)])
def test_what_ray_costs_is_told(monkeypatch: pytest.MonkeyPatch, each: float, holds: bool) -> None:
    monkeypatch.setattr(benchmark, "local_ray", lambda _: nullcontext())
    monkeypatch.setattr(benchmark, "in_a_loop", lambda _: clock(3.0, 3.5, 4.0))
    monkeypatch.setattr(benchmark, "under_ray", lambda _, reuse: clock(9.0, 9.0 + (each if reuse else 8.0)))
    found = Findings({})
    benchmark.overhead(found, 3)
    loop, reused, new = found.tables["What Ray Tune costs a trial"]
    assert (loop["overhead s"], reused["overhead s"], new["overhead s"]) == (0.0, each - 0.5, 7.5)
    assert (loop["trials an hour"], reused["of the loop's"], reused["first, s"]) == (7200, 0.5 / each, 9.0)
    assert [row["holds"] for row in found.predictions] == [holds, True]


def test_ray_runs_the_same_trainings() -> None:
    """In a process of its own; Ray ends with it."""
    code = (
        "from benchmarks.search_arms import local_ray, under_ray\n"
        "with local_ray(1): clock = under_ray(2, reuse=True)\n"
        "print(len(clock.ended), 0 < clock.training < clock.each)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert done.stdout.split() == ["2", "True"], done.stderr


def test_mistakes_are_one_sentence(tmp_path: Path) -> None:
    empty, shipped = tmp_path / "none.h5", ROOT / "wallpaper" / "shipped"
    empty.write_bytes(b"")
    for options in (
        ["--section", "speed"], ["--seeds", "1"], ["--real", str(tmp_path / "missing.h5"), str(tmp_path)],
        ["--real", str(empty), str(tmp_path)], ["--real", str(empty), str(shipped)],
    ):  # fmt: skip
        result = CliRunner().invoke(benchmark.main, options)
        assert (result.exit_code, "Traceback" in result.output) == (2, False), result.output
        assert "Error: " in result.output
