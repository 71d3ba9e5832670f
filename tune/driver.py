"""Runs the trials of a phase under Ray Tune, and sees to it that each is told to the study and ends in MLflow.

Only this module and `worker` know Ray, which places and watches trials here: what they are and what became of them
is in the study, so nothing of Ray's has to be gone on with. Workers end their own runs where they can; those of
stopped trials and dead workers end here, so nothing stays RUNNING.
"""

# ruff: noqa: E402
from __future__ import annotations

import logging
import os
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
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

import ray
from ray import tune
from ray.tune.schedulers import ASHAScheduler, FIFOScheduler
from ray.tune.search import Searcher

from tune.board import KILLED, Board, Row
from tune.open_runs import end_left, of_trial
from tune.placement import Resources
from tune.stopping import stopping
from tune.study import GOOD, STOPPED_EARLY, Study
from tune.trial import OBJECTIVE, RANK, Job, best_values, keep_training, status
from tune.worker import work
from wallpaper import tracking
from wallpaper.training.report import HISTORY, read_history

ROOT = Path(__file__).resolve().parents[1]

OBJECT_STORE = 100_000_000
"""Bytes of shared memory for Ray's objects; trials exchange files instead."""

MAX_LOST = 5
"""Workers that one trial may lose, with their machines or alone; what the training itself raises is not tried again."""

REDUCTION = 3
"""Of the trials that reach a rung, one in so many goes on."""


GROWN = 1.05
"""The study goes to MLflow when it has grown so much, and at the end: each time would be traffic by trials squared."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How trials are run."""

    resources: Resources
    scheduler: str = "asha"
    """asha stops the worse trials early; none."""
    until: float = float("inf")
    """Seconds since the epoch after which no trial starts, and those that run end with their epoch."""


class Proposer(Searcher):  # type: ignore[misc, unused-ignore]
    """Hands the study's trials to Tune. What becomes of them the study hears from `Watch`."""

    def __init__(self, study: Study, until: float) -> None:
        super().__init__(metric=RANK, mode="min")
        self.study, self.until = study, until

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune keeps a copy of it on disk, which nobody reads."""
        return {}

    def suggest(self, trial_id: str) -> Any:
        """The settings of the next trial."""
        asked = None if time.time() > self.until else self.study.ask()
        if asked is None:
            return Searcher.FINISHED
        return {"name": asked.name, "settings": dict(asked.settings)}

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
        """See `Watch`."""

    def save(self, checkpoint_path: str) -> None:
        """Tune wants a file."""
        Path(checkpoint_path).touch()

    def restore(self, checkpoint_path: str) -> None:
        """Nothing was saved."""


class Watch(tune.Callback):  # type: ignore[misc, unused-ignore]
    """Takes what Ray says of the trials to the study, to the board and to MLflow."""

    def __init__(self, job: Job, study: Study, board: Board, run: tracking.Run) -> None:
        self.job, self.study, self.board, self.run = job, study, board, run
        self._sent = 0

    def __getstate__(self) -> dict[str, Any]:
        """Nothing, as `Proposer`."""
        return {}

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial has got its worker."""
        self._row(trial)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """A trial has told its values after an epoch."""
        self._row(trial).told(result)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial's training has come to its end, or the scheduler has stopped it."""
        row, result = self._row(trial), trial.last_result or {}
        row.told(result)
        outcome = str(result.get("outcome", "")) or STOPPED_EARLY
        for run in of_trial(self.run, self.job, row.name):  # its worker could not end it, or was not asked to
            if outcome == STOPPED_EARLY:
                run.tag("stopped_early", "true")
            keep_training(run, self.job.trial_folder(row.name))
            run.end(status(outcome))
        self._end(row, outcome, str(result.get("reason", "")))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial's worker has died too often."""
        lines = str(trial.get_error() or "its worker died").strip().splitlines()
        row, reason = self._row(trial), lines[-1][:250]
        stopped = self.job.stop_file.exists()
        for run in of_trial(self.run, self.job, row.name):
            run.end("KILLED" if stopped else "FAILED", reason)
        self._end(row, KILLED if stopped else "failed", reason)

    def _row(self, trial: Any) -> Row:
        return self.board.row(trial.config["name"], trial.config["settings"])

    def _end(self, row: Row, outcome: str, reason: str) -> None:
        self.board.end(row, outcome, reason)
        if outcome == KILLED:  # it is still to be done
            return
        self.study.tell(
            row.name, outcome, row.values, seconds=row.seconds, started=row.started, epoch=row.epoch,
            epochs=row.epochs, run_id=row.run_id, gpu=row.gpu, reason=reason,
        )  # fmt: skip
        best, number = self.board.best(), len(self.board.ended)
        if best is not None:
            own = {OBJECTIVE: row.values[0]} if row.values and outcome in GOOD else {}
            self.run.log({**own, "best": best.values[0]}, number)
        exported = self.study.export()
        if number >= GROWN * self._sent:
            self._sent = number
            self.run.artifact(exported, "search")


def run_trials(job: Job, study: Study, plan: Plan, board: Board, run: tracking.Run, give_up: Any) -> None:
    """Run what is left of the study; whatever happens, none of its trials' runs stays RUNNING.

    Args: give_up: called if Ray does not end in time; must end the process.
    Raises: KeyboardInterrupt: Ctrl-C or SIGTERM; trials save a checkpoint and stop.
        ValueError: a cluster has not what is asked for. RuntimeError: Ray does not start.
    """
    try:
        with stopping(job.stop_file, partial(_give_up, run, give_up)):
            start_ray(plan.resources)
            try:
                with board:
                    _tuner(job, study, plan, Watch(job, study, board, run)).fit()
            finally:
                ray.shutdown()
        if job.stop_file.exists():
            raise KeyboardInterrupt
    finally:
        end_left(run)
        shutil.rmtree(job.folder / "ray", ignore_errors=True)


def _give_up(run: tracking.Run, give_up: Any) -> None:
    end_left(run)
    give_up()


def start_ray(resources: Resources) -> None:
    """Raises: ValueError: no cluster there, or one that has not what is asked for. RuntimeError: it does not start."""
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    found = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([str(ROOT), *([found] if found else [])])  # workers do not start in the checkout
    variables = {"PYTHONPATH": path, "MLFLOW_TRACKING_URI": os.environ["MLFLOW_TRACKING_URI"]}
    options: dict[str, Any] = {
        "log_to_driver": False,
        "logging_level": logging.CRITICAL,
        "runtime_env": {"env_vars": variables},
    }
    if resources.address:
        try:
            ray.init(address=resources.address, **options)
        except ConnectionError as error:
            first = str(error).splitlines()[0]
            raise ValueError(f"--address {resources.address} must be a running Ray cluster's, but {first}") from error
        return
    if resources.simulate_gpus:
        os.environ.pop("CUDA_VISIBLE_DEVICES", None)  # Ray will not count more than it allows
    ((cpus, gpus),) = resources.here()
    try:
        ray.init(address="local",  # and none that the environment, or a `ray start` of some time, has left
                 num_cpus=int(cpus), num_gpus=int(gpus), include_dashboard=False, object_store_memory=OBJECT_STORE,
                 **options)  # fmt: skip
    except Exception as error:  # of no kind of its own, where its servers take too long to start
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise RuntimeError(f"Ray must start on this machine, but: {first}") from error


def _nodes() -> list[tuple[float, float]]:
    alive = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return [(found.get("CPU", 0.0), found.get("GPU", 0.0)) for found in alive]


def _tuner(job: Job, study: Study, plan: Plan, watch: Watch) -> tune.Tuner:
    """Raises: ValueError: no trial fits on any machine."""
    resources, left = plan.resources, study.left
    concurrent = min(resources.room(_nodes()), left)
    each: dict[str, float] = {"cpu": resources.cpus_per_trial, "gpu": resources.gpu_share}
    if job.processes > 1:  # Ray Train places those, on GPUs that the trial itself must leave to them
        each = {"cpu": 1, "gpu": 0}
    scheduler = scheduled(job, study) if plan.scheduler == "asha" else FIFOScheduler()
    return tune.Tuner(
        tune.with_resources(tune.with_parameters(work, job=job), each),
        tune_config=tune.TuneConfig(
            num_samples=left,
            search_alg=Proposer(study, plan.until),
            scheduler=scheduler,
            max_concurrent_trials=concurrent,
            reuse_actors=job.processes == 1,  # the processes of a stopped trial end with its own
            trial_dirname_creator=_trial_id,
        ),
        run_config=tune.RunConfig(
            name="ray",
            storage_path=str(job.folder),
            verbose=0,
            callbacks=[watch],
            failure_config=tune.FailureConfig(max_failures=MAX_LOST),
            stop=partial(_is_late, until=plan.until),
        ),
    )


def scheduled(job: Job, study: Study) -> Any:
    """ASHA on the first objective's best value so far; it knows what the trials before have told."""
    asha: Any = ASHAScheduler(
        time_attr="epoch", metric=RANK, mode="min", max_t=job.base.epochs + 1,
        grace_period=max(1, job.base.epochs // 8), reduction_factor=REDUCTION,
    )  # fmt: skip
    objective = job.objectives[0]
    for past in study.past():
        rows = read_history(job.trial_folder(past.name)) if (job.trial_folder(past.name) / HISTORY).is_file() else []
        trial = SimpleNamespace(trial_id=past.name)
        asha.on_trial_add(None, trial)
        criterion = job.phase.criterion(study.space.config(past.settings))
        for count in range(1, len(rows) + 1):
            values = best_values(rows[:count], criterion, (objective,)) if objective.metric in rows[0] else ()
            if values:
                told = {"epoch": rows[count - 1]["epoch"], RANK: objective.loss(values[0])}
                asha.on_trial_result(None, trial, told)
    return asha


def _is_late(trial_id: str, result: Mapping[str, Any], until: float) -> bool:
    return time.time() > until


def _trial_id(trial: Any) -> str:
    return str(trial.trial_id)
