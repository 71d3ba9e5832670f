"""Runs the trials of a search under Ray Tune, proposed by Optuna, and sees to it that each run in MLflow ends.

The only module that knows Ray. Workers end their own runs where they can; those of stopped trials and dead
workers end here, so nothing stays RUNNING. The study is kept in memory: a file of its own can get ahead of
Ray's snapshots, and then nobody can go on with either.
"""

# ruff: noqa: E402
from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

ENVIRONMENT = {
    "RAY_AUTH_MODE": "token",  # what Ray does anyway; said, it warns of nothing
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",  # a trial without a GPU sees none
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # see `stopping`
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}
if "ray" not in sys.modules:  # Ray reads some when it is imported; its server then hangs on one that came later
    for _name, _value in ENVIRONMENT.items():
        os.environ.setdefault(_name, _value)

import optuna
import ray
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch

from tune.board import Board, Row
from tune.space import Space
from tune.trial import OBJECTIVE, Job, keep_training, run_trial
from wallpaper import tracking

ROOT = Path(__file__).resolve().parents[1]

OBJECT_STORE = 100_000_000
"""Bytes of shared memory for Ray's objects; trials exchange files instead."""

PATIENCE = 8.0
"""Seconds that a stopped search may take to end in order."""

STOPPED = 130
"""Exit code of a search that was stopped."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many trials, where, and who proposes them."""

    trials: int
    concurrent: int
    """Trials at the same time."""
    cpus_per_trial: int = 1
    gpus: int = 0
    """On the machine; a trial takes one of them, or none if there are none."""
    scheduler: str = "none"
    """asha stops the worse trials early."""
    seed: int = 0


class Watch(tune.Callback):  # type: ignore[misc, unused-ignore]
    """Takes what Ray says of the trials to the board and to MLflow."""

    def __init__(self, job: Job, board: Board, run: tracking.Run) -> None:
        self.job, self.board, self.run = job, board, run

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune keeps a copy of its callbacks on disk, and an open store cannot be copied."""
        return {}

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial has got its worker."""
        self._row(trial)
        self.board.show()

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """A trial has told its value after an epoch."""
        self._row(trial).told(result)
        self.board.show()

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial's training has come to its end, or the scheduler has stopped it."""
        row, result = self._row(trial), trial.last_result or {}
        row.told(result)
        for run in running(self.run, trial.trial_id):
            run.tag("stopped_early", "true")
            keep_training(run, self.job.trial_folder(trial.trial_id))
            run.end("FINISHED")
        early = row.epoch < int(result.get("epochs", row.epoch))
        self._end(row, "diverged" if result.get("diverged") else "stopped early" if early else "finished")

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial's training raised, or its worker has died."""
        lines = str(trial.get_error() or "its worker died").strip().splitlines()
        reason = lines[-1][:250]
        for run in running(self.run, trial.trial_id):
            run.end("FAILED", reason)
        self._end(self._row(trial), "killed" if self.job.stop_file.exists() else "failed", reason)

    def _row(self, trial: Any) -> Row:
        return self.board.row(trial.trial_id, trial.config)

    def _end(self, row: Row, state: str, reason: str = "") -> None:
        self.board.end(row, state, reason)
        best = self.board.best()
        if best is not None:
            self.run.log({OBJECTIVE: row.objective, "best": best.objective}, len(self.board.ended))


def running(parent: tracking.Run, trial_id: str | None = None) -> list[tracking.Run]:
    """The runs of a search's trials, or of one of them, that MLflow shows as running."""
    store = parent.store
    wanted = f"attributes.status = 'RUNNING' and tags.`mlflow.parentRunId` = '{parent.run_id}'"
    wanted += f" and tags.`ray.trial_id` = '{trial_id}'" if trial_id else ""
    experiment = store.client.get_run(parent.run_id).info.experiment_id
    return [tracking.Run(store, run.info.run_id) for run in store.client.search_runs([experiment], wanted)]


def run_trials(job: Job, space: Space, plan: Plan, board: Board, run: tracking.Run) -> None:
    """Run all trials; the board has what became of them. Whatever happens, none of their runs stays RUNNING.

    Raises: KeyboardInterrupt: Ctrl-C or SIGTERM; trials save a checkpoint and stop.
    """
    try:
        _start_ray(plan)
        with stopping(job.stop_file, partial(_give_up, run)):
            try:
                _tuner(job, space, plan, Watch(job, board, run)).fit()
            finally:
                ray.shutdown()
        if job.stop_file.exists():
            raise KeyboardInterrupt
    finally:
        ray.shutdown()
        _end_left(run)


def _end_left(run: tracking.Run) -> None:
    for left in running(run):
        left.end("KILLED", "the search was stopped")


def _give_up(run: tracking.Run) -> None:
    """End the process, runs first: Ray waits a minute for its own servers if the signal has reached them too."""
    _end_left(run)
    run.end("KILLED", "the search was stopped, and Ray did not answer")
    os._exit(STOPPED)


@contextmanager
def stopping(stop_file: Path, give_up: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM ask the trials to stop through a file, then Ray through the signal that it waits for.

    Ray's own way only cuts trials off. A second signal acts at once; `give_up` is called if the block still
    runs `PATIENCE` seconds after the first.
    """
    timer = threading.Timer(PATIENCE, give_up)
    timer.daemon = True
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    def receive(_number: int, _frame: FrameType | None) -> None:
        restore()
        stop_file.touch()
        timer.start()
        os.kill(os.getpid(), signal.SIGUSR1)

    for number in previous:
        signal.signal(number, receive)
    try:
        yield
    finally:
        timer.cancel()
        restore()


def _start_ray(plan: Plan) -> None:
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    found = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([str(ROOT), *([found] if found else [])])  # workers do not start in the checkout
    ray.init(
        num_cpus=max(os.cpu_count() or 1, plan.concurrent * plan.cpus_per_trial),
        num_gpus=plan.gpus,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.CRITICAL,
        object_store_memory=OBJECT_STORE,
        runtime_env={"env_vars": {"PYTHONPATH": path, "MLFLOW_TRACKING_URI": os.environ["MLFLOW_TRACKING_URI"]}},
    )


def _tuner(job: Job, space: Space, plan: Plan, watch: Watch) -> tune.Tuner:
    resources: dict[str, float] = {"cpu": plan.cpus_per_trial, "gpu": min(plan.gpus, 1)}
    proposer = OptunaSearch(
        space.propose, metric=OBJECTIVE, mode="min", points_to_evaluate=[space.start()], seed=plan.seed
    )
    asha = ASHAScheduler(max_t=job.base.epochs + 1, grace_period=max(1, job.base.epochs // 8), reduction_factor=3)
    return tune.Tuner(
        tune.with_resources(tune.with_parameters(_trial, job=job), resources),
        tune_config=tune.TuneConfig(
            metric=OBJECTIVE,
            mode="min",
            num_samples=plan.trials,
            search_alg=proposer,
            scheduler=asha if plan.scheduler == "asha" else None,
            max_concurrent_trials=plan.concurrent,
            reuse_actors=True,
            trial_dirname_creator=_trial_id,
        ),
        run_config=tune.RunConfig(name="ray", storage_path=str(job.folder), verbose=0, callbacks=[watch]),
    )


def _trial(config: Mapping[str, Any], job: Job) -> None:
    """What a worker runs."""
    run_trial(job, config, tune.get_context().get_trial_id(), tune.report)


def _trial_id(trial: Any) -> str:
    return str(trial.trial_id)
