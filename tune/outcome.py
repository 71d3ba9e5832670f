"""What comes of a search: the best trial, what mattered, the model made of both phases, its registered version.

Registration runs as a process of its own: applications never import each other. Knows no Ray.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import click

from tune.board import duration, number, short
from tune.study import DATABASE, Past, Study
from tune.trial import Job, kept_row
from wallpaper import tracking
from wallpaper.epoch_pictures import EpochPictures, epoch_folder
from wallpaper.training.checkpoint import BEST as BEST_CHECKPOINT
from wallpaper.training.config import to_mapping
from wallpaper.training.files import read_json, write_json
from wallpaper.training.ode_loop import load_ode
from wallpaper.training.report import HISTORY, Row
from wallpaper.training.vae_run import load_vae
from wallpaper.training.whole_model import whole_model

ROOT = Path(__file__).resolve().parents[1]

BEST, FIGURES, MODEL = "best.json", "figures", "model"
VERSION = "registered.version"
"""Tag of the ODE phase's run, once its best model is in the registry."""

DRAWN = "best.pictures"
"""Tag of a phase's run: the run of the trial whose pictures are there."""

MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Ground:
    """What a search stands on, for the commands that it ends with."""

    data: Path
    preset: str


def keep_best(job: Job, study: Study, run: tracking.Run, ground: Ground) -> Past | None:
    """Record the best trial; it, None if none was good."""
    best = study.best()
    if best is not None:
        about = {
            "phase": job.phase_name,
            "objectives": {each.name: value for each, value in zip(job.objectives, best.values, strict=True)},
            "settings": dict(best.settings),
            "config": to_mapping(study.space.config(best.settings)),
            "trial": best.name,
            "folder": str(job.trial_folder(best.name)),
            "run_id": best.about.get("run_id", ""),
            "command": command(job, study, best, ground),
        }
        write_json(job.folder / BEST, about)
        run.artifact(job.folder / BEST, "search")
        run.tag("best.run_id", about["run_id"])
        run.tag("best.trial", best.name)
    return best


def keep_figures(job: Job, study: Study, run: tracking.Run) -> None:
    """Record the figures of a phase, and its study as it ended."""
    from tune.figures import draw  # noqa: PLC0415 - with what draws and weighs it takes seconds to load

    run.artifact(study.export(), "search")
    try:
        draw(study.study, job.folder / FIGURES, phase=job.phase.title)
    except Exception as error:  # a figure that fails must not end a search
        click.echo(f"  no figures: {type(error).__name__}: {error}", err=True)
    else:
        run.artifact(job.folder / FIGURES, "search/figures")


def keep_pictures(job: Job, study: Study, best: Past, run: tracking.Run) -> None:
    """Draw the best trial's kept epoch into its folder and its own run, once; a failure is a warning."""
    run_id = str(best.about.get("run_id", ""))
    if _tags(run).get(DRAWN) == run_id:
        return
    folder = job.trial_folder(best.name)
    rows = cast("list[Row]", read_json(folder / HISTORY))
    kept = kept_row(rows, job.phase.criterion(study.space.config(best.settings)))
    assert kept is not None, "a trial without a validated epoch is not the best one"
    click.echo(f"  pictures         {folder / epoch_folder(int(kept['epoch']))}")
    trial = tracking.Run(run.store, run_id)
    vae = Path(job.vae_folder) if job.vae_folder else None
    with EpochPictures(
        job.phase.name, folder, job.data_path, trial, every=1, vae=vae, resume=True, checkpoint=BEST_CHECKPOINT
    ) as drawn:
        drawn(kept)
        drawn.finish()
    run.tag(DRAWN, run_id)


def command(job: Job, study: Study, best: Past, ground: Ground) -> str:
    """What to type to train with a trial's settings, as the trial did."""
    values: dict[str, Any] = {"data": ground.data, "preset": ground.preset}
    values |= {"vae": job.vae_folder} if job.vae_folder else {}
    values |= {"epochs": study.space.base.epochs, "seed": study.space.base.seed, **best.settings}
    typed = [f"--{name.replace('_', '-')}={str(value).lower() if isinstance(value, bool) else value}"
             for name, value in values.items()]  # fmt: skip
    return shlex.join(["wallpaper", f"train-{job.phase_name}", *typed])


def ending(job: Job, study: Study, best: Past, run: tracking.Run, ground: Ground) -> str:
    """The last lines of a phase: the best settings, what mattered, where to look, how to use them."""
    from tune.figures_view import look_at  # noqa: PLC0415 - as above

    values = ", ".join(f"{each.title} {number(value)}" for each, value in zip(job.objectives, best.values, strict=True))
    lines = [f"Best {job.phase.title}: trial {best.name}, {values}"]
    lines += [f"  {name:<16} {short(value)}" for name, value in best.settings.items()]
    importance = look_at(study.study).importance
    if importance:
        shown = list(importance.items())[:MOST_SHOWN]
        lines.append("  what mattered    " + ", ".join(f"{name} {share:.0%}" for name, share in shown))
    if len(job.objectives) > 1:
        front = len(study.study.best_trials)
        lines.append(f"  Pareto front     {front} trials; the best is the one with the best {job.objectives[0].title}")
    lines.append(f"  checkpoint       {job.trial_folder(best.name)}")
    lines.append(f"  in MLflow        run {best.about.get('run_id', '')} of search {run.run_id}, at {run.store.shown}")
    lines.append(f"  figures          {job.folder / FIGURES / 'search.html'}")
    lines.append(f"  study            optuna-dashboard sqlite:///{job.folder / DATABASE}")
    lines.append(f"  train with them  {command(job, study, best, ground)}")
    return "\n".join(lines)


def build_model(job: Job, study: Study, best: Past) -> Path:
    """VAE and best ODE as one model, ready for `wallpaper transition` and the registry; its folder."""
    vae, trained = load_vae(Path(job.vae_folder)), job.trial_folder(best.name)
    config, run_id = study.space.config(best.settings), str(best.about.get("run_id", ""))
    model = whole_model(
        vae, load_ode(trained), config, vae_digest=job.vae_digest, data_digest=job.data_digest, run_id=run_id
    )
    folder = trained / MODEL
    model.save(folder)
    return folder


def register(folder: Path, data: Path, run: tracking.Run) -> str:
    """Evaluate and register a model as `wallpaper register --data` does, once; what that says.

    The first version of all is @champion; a later one is @challenger until it is promoted, which the figures are for.
    Raises: RuntimeError: it failed.
    """
    known = _tags(run).get(VERSION)
    if known:
        return known
    command = [sys.executable, "-m", "wallpaper", "register", "--model", str(folder), "--data", str(data)]
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False)
    said = done.stdout.strip()
    if done.returncode or not said:
        lines = (done.stderr.strip() or said or f"exit code {done.returncode}").splitlines()
        raise RuntimeError(
            f"the best model must be registered, but: {lines[-1]}; try `wallpaper register --model {folder}`"
        )
    run.tag(VERSION, said[:500])
    version = re.search(r"version (\d+)", said)
    if version:
        run.tag("registered.number", version[1])
    return said


def _tags(run: tracking.Run) -> dict[str, str]:
    """What a phase's run has, once the store answers."""
    found = tracking.patiently(partial(run.store.client.get_run, run.run_id))
    return dict(found.data.tags)


def say_how_to_resume(folder: Path, root: Path) -> None:
    """After a search was stopped."""
    where = "" if root.absolute() == (Path.cwd() / "output" / "search") else f" --storage-path {shlex.quote(str(root))}"
    click.echo(
        "Stopped: no trial is running any more; what is done is in MLflow. "
        f"Go on with: python tune/search.py --resume {folder.name}{where}",
        err=True,
    )


def spent(study: Study, started: float, now: float) -> str:
    """How long a phase took, and what became of its trials."""
    counts: dict[str, int] = {}
    for past in study.past():
        counts[past.outcome] = counts.get(past.outcome, 0) + 1
    return f"{duration(now - started)}: " + ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
