"""Training one VAE in several processes, on one machine or many, under Ray Train.

Each process runs the loop of `wallpaper.training.vae_loop` on its share of every batch. Checkpoints go through
Ray's storage, from which a lost worker's successors go on, and from there into the run's folder, so that the run
looks like any other. The only module of the library that knows Ray.
"""

# ruff: noqa: E402
from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

ENVIRONMENT = {
    "RAY_AUTH_MODE": "token",  # what Ray does anyway; said, it warns of nothing
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",  # a worker without a GPU sees none
    "RAY_TRAIN_METRICS_ENABLED": "0",
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",  # how soon an epoch is heard of, too
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
}
if "ray" not in sys.modules:  # Ray reads some when it is imported
    for _name, _value in ENVIRONMENT.items():
        os.environ.setdefault(_name, _value)

import ray
import ray.train
import ray.train.torch
from ray.train import Checkpoint, CheckpointConfig, FailureConfig, RunConfig, ScalingConfig
from ray.train.v2.api.callback import UserCallback

from wallpaper.data import PatternStore
from wallpaper.training.checkpoint import LAST, checkpoint_path, weights_digest
from wallpaper.training.config import from_mapping, to_mapping
from wallpaper.training.files import write_bytes
from wallpaper.training.pattern_source import check_source
from wallpaper.training.report import HISTORY, Progress, Report, Row, read_history, silent
from wallpaper.training.stopping import Interrupted, Stop, TrainingError, never
from wallpaper.training.vae_config import VaeConfig
from wallpaper.training.vae_loop import VaeResult, load_vae, train
from wallpaper.training.world import Scaling, World

ROOT = Path(__file__).resolve().parents[1]

MAX_FAILURES = 3
"""Lost workers that a training survives."""

STORAGE = "ray"
"""Folder of Ray's storage in the run's folder; it goes when the training ends: the run has the last checkpoint."""

FAILED = ".failed"
"""File in the run's folder that says why the loop itself gave up: starting it again would not help."""

OBJECT_STORE = 100_000_000
"""Bytes of shared memory for Ray's objects; the processes send each other tensors by other ways."""

_POLL_SECONDS = 0.5


def fit_on_workers(
    config: VaeConfig,
    store: PatternStore,
    folder: Path,
    scaling: Scaling,
    *,
    report: Report = silent,
    progress: Progress = silent,
    resume: bool = False,
    stop: Stop = never,
) -> VaeResult:
    """`fit_vae` in several processes; batches, rows and files are those of one process, the sums rounded differently.

    Where Ray runs already, as in a trial of a search, its processes are added there; those of a training that is
    interrupted end with the process that has called this.

    Raises: what `fit_vae` raises. TrainingError: also when workers were lost more than `MAX_FAILURES` times.
    """
    check_source(store, config.resolution)
    folder = folder.absolute()
    (folder / FAILED).unlink(missing_ok=True)
    shutil.rmtree(folder / STORAGE, ignore_errors=True)  # of a run that was killed; `last` is in the run's folder
    starts_ray = not ray.is_initialized()
    if starts_ray:
        _start_ray(scaling)
    try:
        fitting = _Fitting(_trainer(config, store, folder, scaling, resume))
        steps = -(-len(store.splits["train"]) // config.batch_size)
        seen = len(read_history(folder)) if resume else 0
        progress(seen * steps, config.epochs * steps)
        while fitting.is_running():
            seen = _tell(folder, seen, config, steps, report, progress)
            if stop():
                raise Interrupted(folder, seen + 1)
        _tell(folder, seen, config, steps, report, progress)
        fitting.check(folder)
    finally:
        if starts_ray:
            ray.shutdown()
        shutil.rmtree(folder / STORAGE, ignore_errors=True)
    vae, history = load_vae(folder), read_history(folder)
    best = min((row for row in history if "val/loss" in row), key=lambda row: row["val/loss"])
    return VaeResult(folder, int(best["epoch"]), history, vae, weights_digest(vae.state_dict()))


class _Fitting:
    """A trainer at work in a thread of its own: Ray's `fit` would take Ctrl-C for itself."""

    def __init__(self, trainer: Any) -> None:
        self._trainer, self._error = trainer, ""
        self._thread = threading.Thread(target=self._fit, name="ray train", daemon=True)
        self._thread.start()

    def is_running(self) -> bool:
        """After a moment's waiting."""
        self._thread.join(_POLL_SECONDS)
        return self._thread.is_alive()

    def check(self, folder: Path) -> None:
        """Raises: TrainingError: Ray has given up."""
        if self._error:
            raise TrainingError(
                f"workers must not be lost more than {MAX_FAILURES} times, but were: {self._error}; go on with "
                f"--resume {folder}"
            )

    def _fit(self) -> None:
        try:
            self._trainer.fit()
        except Exception as error:  # Ray's own kinds, of any depth
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            self._error = (lines[-1] if lines else type(error).__name__)[:300]


class _Keeper(UserCallback):  # type: ignore[misc, unused-ignore]
    """Brings each checkpoint into the run's folder; works in Ray's controller, on the machine that was asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def after_report(self, run_context: Any, metrics: list[dict[str, Any]], checkpoint: Checkpoint | None) -> None:
        """An epoch is done: the history goes last, since its rows are told on."""
        if checkpoint is None:
            return
        with checkpoint.as_directory() as source:
            found = sorted(Path(source).iterdir(), key=lambda path: path.name == HISTORY)
            for path in found:
                if path.is_file() and not path.name.startswith("."):
                    write_bytes(self._folder / path.name, path.read_bytes())

    def after_exception(self, run_context: Any, worker_exceptions: dict[int, Exception]) -> None:
        """What the loop itself has raised would only be raised again; a lost worker has raised nothing."""
        for error in worker_exceptions.values():
            text = _own_words(error)
            if text and not (self._folder / FAILED).exists():
                write_bytes(self._folder / FAILED, text.encode())


def _own_words(error: BaseException) -> str:
    """The message of a failure that another try would meet again; empty for any other."""
    seen: BaseException | None = error
    while seen is not None:
        inner = getattr(seen, "_base_exc", None) or seen
        if isinstance(inner, TrainingError | ValueError | ArithmeticError | LookupError | TypeError):
            return str(inner)
        seen = seen.__cause__
    return ""


def _tell(folder: Path, seen: int, config: VaeConfig, steps: int, report: Report, progress: Progress) -> int:
    """Hand on the rows that are new; their number in all. Raises: TrainingError: the loop has given up."""
    if (folder / FAILED).is_file():
        reason = (folder / FAILED).read_text(encoding="utf-8")
        (folder / FAILED).unlink()
        raise TrainingError(reason)
    rows: list[Row] = read_history(folder) if (folder / HISTORY).is_file() else []
    for row in rows[seen:]:
        progress(int(row["epoch"]) * steps, config.epochs * steps)
        report(row)
    return max(seen, len(rows))


def _start_ray(scaling: Scaling) -> None:
    """Raises: ValueError: the cluster has not what is asked for, which Ray would wait for without end."""
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    options: dict[str, Any] = {
        "log_to_driver": False,
        "logging_level": logging.CRITICAL,
        "runtime_env": {"env_vars": {**ENVIRONMENT, "PYTHONPATH": path}},
    }
    if scaling.address:
        try:
            ray.init(address=scaling.address, **options)
        except ConnectionError as error:
            raise ValueError(f"`--address {scaling.address}` must be a running Ray cluster's, but {error}") from error
    else:
        ray.init(
            num_cpus=scaling.count + 1,
            num_gpus=scaling.count if scaling.on_gpus else 0,
            include_dashboard=False,
            object_store_memory=OBJECT_STORE,
            **options,
        )
    kind = "GPU" if scaling.on_gpus else "CPU"
    found = int(ray.cluster_resources().get(kind, 0))
    if found < scaling.count:
        ray.shutdown()
        raise ValueError(
            f"`--{kind.lower()}s` asks for {scaling.count}, but the cluster has {found}".replace("cpus", "workers")
        )


def _trainer(config: VaeConfig, store: PatternStore, folder: Path, scaling: Scaling, resume: bool) -> Any:
    job = {
        "config": to_mapping(config),
        "data": str(store.path.absolute()),
        "folder": str(folder),
        "resume": resume,
    }
    return ray.train.torch.TorchTrainer(
        work,
        train_loop_config=job,
        torch_config=ray.train.torch.TorchConfig(backend="nccl" if scaling.on_gpus else "gloo"),
        scaling_config=ScalingConfig(num_workers=scaling.count, use_gpu=scaling.on_gpus),
        run_config=RunConfig(
            name=STORAGE,
            storage_path=str(folder),
            failure_config=FailureConfig(max_failures=MAX_FAILURES),
            checkpoint_config=CheckpointConfig(num_to_keep=1),
            callbacks=[_Keeper(folder)],  # type: ignore[list-item, unused-ignore]
        ),
    )


def work(job: dict[str, Any]) -> None:
    """What each process runs: the loop, in a folder of its own that starts as the last checkpoint's."""
    saved = ray.train.get_checkpoint() or (Checkpoint.from_directory(job["folder"]) if job["resume"] else None)
    world = World.joined()
    with tempfile.TemporaryDirectory(prefix="wallpaper-") as name:
        folder = Path(name)
        if saved is not None:
            with saved.as_directory() as source:
                for path in Path(source).iterdir():
                    if path.is_file():
                        shutil.copy(path, folder)

        def report(row: Any) -> None:
            ray.train.report(dict(row), checkpoint=Checkpoint.from_directory(folder) if world.is_first else None)

        try:
            train(
                from_mapping(VaeConfig, job["config"]),
                PatternStore(job["data"]),
                folder,
                report=report,
                resume=checkpoint_path(folder, LAST).is_file(),
                device=ray.train.torch.get_device(),
                world=world,
            )
        except TrainingError as error:  # this folder goes; the checkpoints that are kept are elsewhere
            raise TrainingError(str(error).replace(name, job["folder"])) from error
