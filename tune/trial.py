"""One trial: the library's own training with some settings, recorded in a run of its own, its best value told.

The worker writes the run's content, and its end where the training comes to one; whoever started the trial
ends runs whose worker could not. Knows no Ray and no Optuna: it is handed a function to tell values to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch

from wallpaper import tracking
from wallpaper.data import Latents
from wallpaper.data.archive import read_npz, write_npz
from wallpaper.training.config import CONFIG, from_mapping
from wallpaper.training.ode_config import OdeConfig
from wallpaper.training.ode_loop import fit_ode
from wallpaper.training.ode_run import CRITERION
from wallpaper.training.report import HISTORY
from wallpaper.training.stopping import Interrupted, TrainingError

OBJECTIVE = "objective"
"""Name of the value that a search makes small: the lowest validation value so far."""

WORST = 1e9
"""Told for a training that diverged: a NaN would tell the sampler nothing, and would leave its trial open for ever."""

TRIALS = "trials"
"""Folder of the trials' own folders in a search's."""

Tell: TypeAlias = Callable[[dict[str, Any]], object]
"""Called after each epoch with `OBJECTIVE`, "epoch", "epochs", "diverged" (0 or 1) and "mlflow_run"."""


@dataclass(frozen=True, slots=True)
class Job:
    """What all trials of a search have in common; plain data, as it travels to other processes."""

    base: OdeConfig
    folder: Path
    """The search's, absolute."""
    name: str
    parent: str
    """Id of the search's run."""
    owner: Mapping[str, str]
    """Tags that say which process answers for the trials' runs."""
    vae_digest: str
    data_path: Path
    data_digest: str
    device: str = "cpu"

    @property
    def latents(self) -> Path:
        """File of the latents of both splits."""
        return self.folder / "latents.npz"

    @property
    def coupling(self) -> Path:
        """File of the optimal coupling of the training latents."""
        return self.folder / "coupling.npz"

    @property
    def stop_file(self) -> Path:
        """Trials end where this appears."""
        return self.folder / "stop"

    def trial_folder(self, trial_id: str) -> Path:
        """Where a trial keeps its checkpoints."""
        return self.folder / TRIALS / trial_id


def save_latents(path: Path, train: Latents, held_out: Latents) -> None:
    """Put both splits where every trial finds them."""
    parts = {"train": train, "held_out": held_out}
    arrays = {f"{name}_mean": part.mean.numpy() for name, part in parts.items()}
    write_npz(path, arrays | {f"{name}_labels": part.labels.numpy() for name, part in parts.items()})


def load_latents(path: Path) -> tuple[Latents, Latents]:
    """Training and held-out latents. Raises: FileNotFoundError; ValueError: damaged."""
    found = {name: torch.from_numpy(array) for name, array in read_npz(path).items()}
    train, held_out = (Latents(found[f"{name}_mean"], found[f"{name}_labels"]) for name in ("train", "held_out"))
    return train, held_out


def run_trial(job: Job, settings: Mapping[str, Any], trial_id: str, tell: Tell) -> None:
    """Train with `settings` on top of the job's base.

    A training that diverges is a bad value, told and recorded as FAILED; the search goes on.
    Raises: Interrupted: the job's stop file is there. Any other error of the training, after it is recorded.
    """
    config = from_mapping(OdeConfig, settings, job.base)
    folder = job.trial_folder(trial_id)
    tags = {**job.owner, "ray.trial_id": trial_id, "vae.digest": job.vae_digest}
    run = tracking.start(
        f"{job.name}-{trial_id}", phase="train_ode", config=config, folder=folder, parent=job.parent, tags=tags
    )
    best = _Best(run, tell, config.epochs)
    try:
        run.dataset(job.data_path, digest=job.data_digest)
        _train(job, config, folder, best)
        keep_training(run, folder)
    except Interrupted as error:
        run.end("KILLED", f"Interrupted: {error}")
        raise
    except TrainingError as error:
        run.end("FAILED", f"TrainingError: {error}")
        best.diverged()
    except Exception as error:
        run.end("FAILED", f"{type(error).__name__}: {error}")
        raise
    else:
        run.end("FINISHED")


def keep_training(run: tracking.Run, folder: Path) -> None:
    """Record a trial's settings, history and best checkpoint, as far as they are there."""
    for name in (CONFIG, HISTORY, "best.safetensors", "best.json"):
        if (folder / name).is_file():
            run.artifact(folder / name, "training")


def _train(job: Job, config: OdeConfig, folder: Path, best: _Best) -> None:
    train, held_out = load_latents(job.latents)
    fit_ode(
        config, train, held_out, folder,
        vae_info={"digest": job.vae_digest}, coupling_cache=job.coupling,
        report=best, stop=job.stop_file.exists, device=job.device,
    )  # fmt: skip


class _Best:
    """A report that records every row and tells the lowest finite validation value so far."""

    def __init__(self, run: tracking.Run, tell: Tell, epochs: int) -> None:
        self._run, self._tell, self._epochs = run, tell, epochs
        self._value, self._epoch = WORST, 0

    def __call__(self, row: Mapping[str, float | int]) -> None:
        value = row.get(CRITERION)
        if value is not None and math.isfinite(value):
            self._value = min(self._value, float(value))
        self._epoch = int(row["epoch"])
        self._run.reporter()(row)
        self._run.log({OBJECTIVE: self._value}, self._epoch)
        self._say(self._value, 0)

    def diverged(self) -> None:
        """The training cannot go on: what it reached before counts for nothing, nobody could train with it."""
        self._say(WORST, 1)

    def _say(self, value: float, diverged: int) -> None:
        about = {"epoch": self._epoch, "epochs": self._epochs, "diverged": diverged, "mlflow_run": self._run.run_id}
        self._tell({OBJECTIVE: value, **about})
