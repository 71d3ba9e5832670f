"""One trial: the library's own training with some settings, recorded in a run of its own, its best values told.

A trial that was interrupted, whatever by, goes on from its last checkpoint in the same run, and tells again what it
had told. Knows no Ray and no Optuna: it is handed a function to tell values to.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from tune.phases import PARAMETERS, PHASES, Objective, Phase
from tune.shared import load_latents
from wallpaper import provenance, tracking
from wallpaper.data import PatternStore
from wallpaper.training.checkpoint import LAST, checkpoint_path, load_checkpoint
from wallpaper.training.config import CONFIG, from_mapping
from wallpaper.training.files import write_bytes
from wallpaper.training.ode_loop import fit_ode
from wallpaper.training.report import HISTORY, Report, Row
from wallpaper.training.stopping import Interrupted, TrainingError
from wallpaper.training.vae_loop import fit_vae
from wallpaper.training.vae_run import build_vae
from wallpaper.training.world import Scaling

OBJECTIVE = "objective"
"""Metric of a trial's run: the first objective's best value so far."""

RANK = "rank"
"""Told after each epoch: the same where lower is better; `WORST` until there is one."""

WORST = 1e9

TRIALS = "trials"
"""Folder of the trials' own folders in a phase's."""

WORKER = "worker"
"""File in a trial's folder that says which process works at it."""

Tell: TypeAlias = Callable[[dict[str, Any]], object]
"""Called after each epoch, and once more at the end, with `RANK`, "values" (of the objectives), "epoch", "epochs",
"mlflow_run", "outcome" and "reason". The outcome is empty until the end: finished, diverged, failed or killed."""


@dataclass(frozen=True, slots=True)
class Job:
    """What all trials of a phase have in common; plain data, as it travels to other processes."""

    phase_name: str
    base: Any
    objectives: tuple[Objective, ...]
    folder: Path
    """The phase's, absolute."""
    name: str
    """Of the search."""
    parent: str
    """Id of the phase's run."""
    owner: Mapping[str, str]
    """Tags that say which process answers for the trials' runs."""
    data_path: Path
    data_digest: str
    device: str = "cpu"
    processes: int = 1
    """That train one model together, under Ray Train; of a VAE only."""
    vae_folder: str = ""
    vae_digest: str = ""
    """Of the frozen VAE, in the ODE's phase."""

    @property
    def phase(self) -> Phase:
        """What is trained."""
        return PHASES[self.phase_name]

    @property
    def shared(self) -> Path:
        """Folder of the latents of both splits."""
        return self.folder / "shared"

    def coupling(self, name: str) -> Path:
        """File of a coupling of the training latents."""
        return self.shared / f"coupling-{name}.npz"

    @property
    def stop_file(self) -> Path:
        """Trials end where this appears."""
        return self.folder / "stop"

    def trial_folder(self, name: str) -> Path:
        """Where a trial keeps its checkpoints."""
        return self.folder / TRIALS / name

    def run_name(self, name: str) -> str:
        """Of a trial's run."""
        return f"{self.name}-{self.phase_name}-{name}"


def run_trial(job: Job, settings: Mapping[str, Any], name: str, tell: Tell) -> None:
    """Train with `settings` on top of the job's base; whatever happens is told and recorded, and nothing raised.

    A training that diverges is a bad value and its run FAILED; one that the stop file ends is killed and can go on.
    """
    config = from_mapping(job.phase.config, settings, job.base)
    folder = job.trial_folder(name)
    with _only_worker(folder):
        run = _start(job, config, folder, name)
        best = Best(job, config, run, tell)
        outcome, reason = "finished", ""
        try:
            resume = checkpoint_path(folder, LAST).is_file()
            if resume:
                best.again(load_checkpoint(folder, LAST).meta["loop"]["history"])
            run.dataset(job.data_path, digest=job.data_digest)
            fit(job, config, folder, best, resume=resume)
            keep_training(run, folder)
        except Interrupted as error:
            outcome, reason = "killed", f"Interrupted: {error}"
        except TrainingError as error:
            outcome, reason = "diverged", f"TrainingError: {error}"
        except Exception as error:
            outcome, reason = "failed", f"{type(error).__name__}: {error}"
        run.end(status(outcome), reason)
    best.end(outcome, reason)


def status(outcome: str) -> str:
    """Of the run of a trial that ended so."""
    return {"finished": "FINISHED", "stopped early": "FINISHED", "killed": "KILLED"}.get(outcome, "FAILED")


def fit(job: Job, config: Any, folder: Path, report: Report, *, resume: bool) -> None:
    """The library's training of the job's phase. Raises: what that raises."""
    if job.phase_name == "vae":
        train_vae = _vae_training(job)
        train_vae(config, PatternStore(job.data_path), folder, report=report, resume=resume, stop=job.stop_file.exists)
        return
    train, held_out = load_latents(job.shared)
    fit_ode(
        config, train, held_out, folder,
        vae_info={"digest": job.vae_digest, "folder": job.vae_folder}, coupling_cache=job.coupling(config.coupling),
        report=report, resume=resume, stop=job.stop_file.exists, device=job.device,
    )  # fmt: skip


def _vae_training(job: Job) -> Callable[..., object]:
    """In this process, or in several under Ray Train."""
    if job.processes == 1:
        return partial(fit_vae, device=job.device)
    from wallpaper.cluster import fit_on_workers  # noqa: PLC0415 - Ray Train takes seconds to load

    return partial(fit_on_workers, scaling=Scaling(job.processes, on_gpus=job.device == "cuda"))


def keep_training(run: tracking.Run, folder: Path) -> None:
    """Record a trial's settings, history and best checkpoint, as far as they are there."""
    for name in (CONFIG, HISTORY, "best.safetensors", "best.json"):
        if (folder / name).is_file():
            run.artifact(folder / name, "training")


def kept_row(rows: Sequence[Row], criterion: str) -> Row | None:
    """The epoch that the training keeps as best; None before the first validation."""
    validated = [row for row in rows if math.isfinite(row.get(criterion, math.nan))]
    return min(validated, key=lambda row: row[criterion]) if validated else None


def best_values(rows: Sequence[Row], criterion: str, objectives: Sequence[Objective]) -> tuple[float, ...]:
    """Values of the objectives in the epoch that the training keeps as best, empty before the first validation."""
    kept = kept_row(rows, criterion)
    return () if kept is None else tuple(float(kept[objective.metric]) for objective in objectives)


class Best:
    """A report that records every row once, and tells the values of the best epoch so far."""

    def __init__(self, job: Job, config: Any, run: tracking.Run, tell: Tell) -> None:
        self._job, self._run, self._tell, self._epochs = job, run, tell, config.epochs
        self._criterion = job.phase.criterion(config)
        self._rows: list[Row] = []
        self._recorded: set[int] = set()
        wanted = any(objective.metric == PARAMETERS for objective in job.objectives)
        self._constant = {PARAMETERS: parameters(job, config)} if wanted else {}

    def again(self, history: Sequence[Row]) -> None:
        """Rows of an earlier attempt: told again, and recorded where they were not."""
        stop = self._job.stop_file.exists
        self._recorded = tracking.patiently(partial(self._run.recorded, OBJECTIVE), stop=stop)
        for row in history:
            self(row)

    def __call__(self, row: Mapping[str, float | int]) -> None:
        """An epoch is over."""
        self._rows.append({**row, **self._constant})
        values, epoch = self._values(), int(row["epoch"])
        if epoch not in self._recorded:
            numbers = {name: value for name, value in self._rows[-1].items() if name not in ("epoch", "epochs")}
            self._run.log({**numbers, **({OBJECTIVE: values[0]} if values else {})}, epoch)
        self._say("", "")

    def end(self, outcome: str, reason: str) -> None:
        """The training is over: what it reached before it diverged counts for nothing, nobody could train with it."""
        self._say(outcome, reason)

    def _values(self) -> tuple[float, ...]:
        return best_values(self._rows, self._criterion, self._job.objectives)

    def _say(self, outcome: str, reason: str) -> None:
        values = () if outcome == "diverged" else self._values()
        rank = self._job.objectives[0].loss(values[0]) if values else WORST
        epoch = int(self._rows[-1]["epoch"]) if self._rows else 0
        about = {"epoch": epoch, "epochs": self._epochs, "mlflow_run": self._run.run_id}
        self._tell({RANK: rank, "values": list(values), **about, "outcome": outcome, "reason": reason[:500]})


def parameters(job: Job, config: Any) -> int:
    """Numbers that the trained model consists of; only of a VAE."""
    model = build_vae(config)
    return sum(parameter.numel() for parameter in model.parameters())


def _start(job: Job, config: Any, folder: Path, name: str) -> tracking.Run:
    """The trial's run: a new one, or its own of an earlier attempt. A store that does not answer is waited for."""
    tags = {**job.owner, "search": job.name, "search.trial": name}
    tags |= {"vae.digest": job.vae_digest, "vae.folder": job.vae_folder} if job.vae_digest else {}
    begin = partial(
        tracking.start, job.run_name(name), phase=job.phase.tracked, config=config, folder=folder,
        parent=job.parent, tags=tags, resume=True,
    )  # fmt: skip
    return tracking.patiently(begin, stop=job.stop_file.exists)


@contextlib.contextmanager
def _only_worker(folder: Path) -> Iterator[None]:
    """A search that was killed may have left a worker at this trial: it must not write beside this one."""
    place, own = folder / WORKER, f"{provenance.host()}\n{provenance.process()}"
    with contextlib.suppress(OSError, ValueError):
        host, other = place.read_text(encoding="utf-8").split("\n")
        if host == provenance.host() and other != provenance.process():
            _end_process(other)
    write_bytes(place, own.encode())
    try:
        yield
    finally:
        place.unlink(missing_ok=True)


def _end_process(text: str) -> None:
    """Kill, and wait a little: a process that nobody collects stays listed, but writes no more."""
    waited_until = time.monotonic() + 5
    while provenance.is_alive(text) and time.monotonic() < waited_until:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(int(text.split()[0]), signal.SIGKILL)
        time.sleep(0.05)
