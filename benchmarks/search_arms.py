"""What is compared: ways to search over the same trainings, and the same small trials with and without Ray Tune.

A way asks the samplers of `tune/search.py` and stops by Ray's own `AsyncHyperBandScheduler`, both in this process and
without Ray: only workers and their times are left out. Its workers take turns, one epoch each.
"""

# ruff: noqa: E402
from __future__ import annotations

import logging
import math
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

QUIET = {
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
}
for _name, _value in QUIET.items():  # Ray reads some when it is imported
    os.environ.setdefault(_name, _value)

import optuna
import ray
import torch
from ray import tune
from ray.tune.schedulers import AsyncHyperBandScheduler, TrialScheduler
from ray.tune.search.optuna import OptunaSearch

from benchmarks.search_trainings import OBJECTIVE, SECONDS, Settings, small_training
from tune.samplers import build_sampler

Training: TypeAlias = Callable[[Settings, int], Iterator[float]]
"""The validation values of the training with these settings, one an epoch; gets the trial's number too."""

ROOT = Path(__file__).resolve().parents[1]
ITERATION = "training_iteration"


@dataclass(frozen=True, slots=True)
class Way:
    """How to search."""

    sampler: str
    """tpe or random."""
    asha: bool
    """Whether worse trials are stopped early."""


class Proposer:
    """Asks Optuna as `tune/search.py` does: each proposal from a sampler of its own; the first one is given."""

    def __init__(self, way: Way, propose: Callable[[optuna.Trial], Settings], start: Settings, trials: int, seed: int):
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._way, self._propose, self._trials, self._seed = way, propose, trials, seed
        self._study = optuna.create_study()
        self._study.enqueue_trial(start)

    def ask(self, number: int) -> Settings:
        """The settings of the trial with this number; numbers rise from 0."""
        self._study.sampler = build_sampler(self._way.sampler, self._seed, number, self._trials)
        return self._propose(self._study.ask())

    def tell(self, number: int, value: float) -> None:
        """How that trial ended; infinity if it diverged."""
        self._study.tell(number, value)


def asha(epochs: int) -> Any:
    """The stopping rule: at epochs 1, 3, 9 ... (from an eighth of the training) the best third so far goes on."""
    return AsyncHyperBandScheduler(
        metric=OBJECTIVE, mode="min", max_t=epochs + 1, grace_period=max(1, epochs // 8), reduction_factor=3
    )


@dataclass(slots=True)
class Trial:
    """One training of a search."""

    number: int
    settings: Settings
    values: Iterator[float]
    epoch: int = 0
    best: float = math.inf
    """The lowest value so far."""
    best_epoch: int = 0
    diverged: bool = False

    @property
    def trial_id(self) -> str:
        """As Ray's trials have it."""
        return f"trial{self.number}"

    @property
    def result(self) -> dict[str, Any]:
        """As a trainable reports it."""
        return {OBJECTIVE: math.inf if self.diverged else self.best, ITERATION: self.epoch}


@dataclass(slots=True)
class Outcome:
    """What a search came to."""

    trials: list[Trial] = field(default_factory=list)
    epochs: int = 0
    """Spent in all."""

    @property
    def best(self) -> Trial:
        """The trial that a user would take."""
        return min(self.trials, key=lambda trial: trial.result[OBJECTIVE])


def search(
    way: Way,
    training: Training,
    propose: Callable[[optuna.Trial], Settings],
    start: Settings,
    *,
    epochs: int,
    budget: int,
    trials: int | None = None,
    workers: int = 1,
    seed: int = 0,
) -> Outcome:
    """Search until `budget` epochs are spent, or `trials` trainings done.

    Args:
        epochs: of a whole training.
        workers: trainings at the same time; they take turns.
    """
    proposer, rule = Proposer(way, propose, start, trials or budget // epochs, seed), asha(epochs)
    outcome = Outcome()
    lanes: list[Trial | None] = [None] * workers
    left = budget if trials is None else trials
    while outcome.epochs < budget and (left or any(lanes)):
        for k in range(workers):
            if lanes[k] is None and left:
                left -= 1
                settings = proposer.ask(number := len(outcome.trials))
                lanes[k] = trial = Trial(number, settings, training(settings, number))
                rule.on_trial_add(None, trial)
                outcome.trials.append(trial)
            running = lanes[k]
            if running is not None and outcome.epochs < budget:
                outcome.epochs += 1
                if _ends(running, proposer, rule, way, epochs):
                    lanes[k] = None
    outcome.trials = [trial for trial in outcome.trials if trial.epoch]  # the last ones may have had no epoch left
    return outcome


def _ends(trial: Trial, proposer: Proposer, rule: Any, way: Way, epochs: int) -> bool:
    """One epoch of a trial; whether it was its last."""
    value = next(trial.values)
    trial.epoch += 1
    trial.diverged = not math.isfinite(value)
    if value < trial.best:
        trial.best, trial.best_epoch = value, trial.epoch
    whole = trial.epoch == epochs or trial.diverged
    told = (None, trial, trial.result)
    stopped = way.asha and not whole and rule.on_trial_result(*told) == TrialScheduler.STOP
    if whole and not trial.diverged:
        rule.on_trial_complete(*told)
    if whole or stopped:
        proposer.tell(trial.number, trial.result[OBJECTIVE])
    return whole or stopped


def _small_proposal(trial: optuna.Trial) -> Settings:
    return {"learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True)}


class Clock(tune.Callback):  # type: ignore[misc, unused-ignore]
    """When trials ended, one at a time, and what their trainings alone took; the first pays for the start."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.ended: list[float] = []
        self.inside: list[float] = []

    def tick(self, inside: float) -> None:
        """A trial has ended, whose training took `inside` seconds."""
        self.ended.append(time.perf_counter())
        self.inside.append(inside)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Ray's way to say so."""
        self.tick(float(trial.last_result[SECONDS]))

    @property
    def first(self) -> float:
        """Seconds until the first trial had ended."""
        return self.ended[0] - self.started

    @property
    def each(self) -> float:
        """Seconds from the end of a trial to the next one's: mean."""
        return (self.ended[-1] - self.ended[0]) / (len(self.ended) - 1)

    @property
    def training(self) -> float:
        """Seconds of a training alone: mean, without the first."""
        return statistics.mean(self.inside[1:])

    @property
    def overhead(self) -> float:
        """Seconds a trial takes beyond its training."""
        return self.each - self.training


def in_a_loop(trials: int) -> Clock:
    """Small trainings one after the other."""
    random, clock = torch.Generator().manual_seed(0), Clock()
    for rate in 10 ** (-4 + 2 * torch.rand(trials, generator=random)):
        clock.tick(small_training({"learning_rate": float(rate)}, lambda _: None))
    return clock


def under_ray(trials: int, *, reuse: bool) -> Clock:
    """Small trainings under Ray Tune, with Optuna and an ASHA that stops none; Ray must have been started."""
    proposer, clock = OptunaSearch(_small_proposal, metric=OBJECTIVE, mode="min", seed=0), Clock()
    with TemporaryDirectory() as folder:
        tune.Tuner(
            tune.with_resources(_small_trial, {"cpu": 1}),
            tune_config=tune.TuneConfig(
                metric=OBJECTIVE, mode="min", num_samples=trials, search_alg=proposer, reuse_actors=reuse,
                scheduler=AsyncHyperBandScheduler(max_t=9, grace_period=8), max_concurrent_trials=1,
            ),
            run_config=tune.RunConfig(name="ray", storage_path=folder, verbose=0, callbacks=[clock]),
        ).fit()  # fmt: skip
    return clock


def _small_trial(config: Settings) -> None:
    small_training(config, tune.report)


@contextmanager
def local_ray(cpus: int) -> Iterator[None]:
    """Ray on this machine, silent."""
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    ray.init(
        address="local", num_cpus=cpus, include_dashboard=False, log_to_driver=False, logging_level=logging.CRITICAL,
        object_store_memory=100_000_000, runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}},
    )  # fmt: skip
    try:
        yield
    finally:
        ray.shutdown()
