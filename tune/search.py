"""`python tune/search.py`: searches settings of the transition field's training, and says which were best.

Everything is recorded in MLflow: a run for the search, and beneath it one for each trial. Options and
outcome are here; how trials run is in `tune.driver`, which needs Ray and is loaded last.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

if __name__ == "__main__" and not __package__:  # typed as `python tune/search.py`: Python has put tune/ on its path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import click
import torch

from tune.board import Board, Row, short
from tune.space import DEFAULT, Space, build_space
from tune.trial import OBJECTIVE, Job, save_latents
from wallpaper import provenance, tracking
from wallpaper.data import PatternStore, cached_latents
from wallpaper.training.checkpoint import CheckpointError, weights_digest
from wallpaper.training.couplings import build_coupling
from wallpaper.training.files import write_json
from wallpaper.training.ode_config import PRESETS, OdeConfig
from wallpaper.training.ode_run import CRITERION
from wallpaper.training.run_folder import latest_run, new_run_folder
from wallpaper.training.stopping import TrainingError
from wallpaper.training.vae_run import load_vae

DATA, DEMO_DATA = Path("data/patterns.h5"), Path("output/demo/patterns.h5")
VAE_RUNS, DEMO_VAE = Path("output/vae"), Path("output/demo/vae")
STORAGE = Path("output/search")
BEST = "best.json"

CONTEXT = {
    "help_option_names": ["-h", "--help"],
    "max_content_width": 110,
    "token_normalize_func": lambda name: name.replace("_", "-"),  # `mlflow run -P` passes names as they are
}


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for on the command line; empty text and 0 stand for a default."""

    data: str
    vae: str
    preset: str
    trials: int
    epochs: int
    gpus: int
    cpus_per_trial: int
    concurrent: int
    scheduler: str
    seed: int
    name: str
    storage_path: Path


@click.command("search", context_settings=CONTEXT)
@click.option("--data", default="", metavar="FILE", help=f"Dataset. Default: {DATA}, else {DEMO_DATA}.")
@click.option(
    "--vae", default="", metavar="FOLDER", help=f"Trained VAE. Default: the newest in {VAE_RUNS}/, {DEMO_VAE}."
)
@click.option("--preset", type=click.Choice(tuple(PRESETS)), default="laptop", show_default=True,
              help="Settings that are not searched, and the first trial's.")  # fmt: skip
@click.option("--trials", type=click.IntRange(1), default=8, show_default=True, help="Trainings in all.")
@click.option("--epochs", type=click.IntRange(0), default=0, help="Epochs of each training. Default: the preset's.")
@click.option("--gpus", type=click.IntRange(0), default=0, show_default=True,
              help="GPUs to use, one for each trial; 0 trains on the CPU.")  # fmt: skip
@click.option("--cpus-per-trial", type=click.IntRange(1), default=1, show_default=True, help="CPU threads of a trial.")
@click.option("--concurrent", type=click.IntRange(0), default=0,
              help="Trials at the same time. Default: as many as there are GPUs or CPUs for.")  # fmt: skip
@click.option("--scheduler", type=click.Choice(("none", "asha")), default="none", show_default=True,
              help="asha stops the worse trials early.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
              help="Of proposals and trainings. With concurrent trials only the start is repeatable.")  # fmt: skip
@click.option("--name", default="", help="Of the search and its folder. Default: the time.")
@click.option("--storage-path", type=click.Path(path_type=Path, file_okay=False), default=STORAGE, show_default=True,
              help="Folder of all searches.")  # fmt: skip
def search(**given: Any) -> None:
    """Search settings of the neural ODE's training with Optuna under Ray Tune; all is recorded in MLflow.

    Trains on the latents of a trained VAE. The preset's own settings are the first trial. Stopped with Ctrl-C,
    it leaves nothing running and exits with 130.

    \b
    Examples:
      python tune/search.py                              8 trials of 40 epochs on the CPU
      python tune/search.py --trials 50 --scheduler asha
      python tune/search.py --gpus 4 --preset plan       four trials at a time
    """
    try:
        _search(Options(**given))
    except KeyboardInterrupt:
        click.echo("Stopped: no trial is running any more; what is done is in MLflow.", err=True)
        sys.exit(130)
    except (TrainingError, tracking.TrackingError, CheckpointError, ValueError, OSError) as error:
        if os.environ.get("WALLPAPER_TRACEBACK"):
            raise
        click.echo(f"Error: {error}", err=True)
        sys.exit(1 if isinstance(error, (TrainingError, tracking.TrackingError)) else 2)


def _search(options: Options) -> None:
    started = time.monotonic()
    check_resources(options.gpus, options.cpus_per_trial)
    data, vae_folder = find_data(options.data), find_vae(options.vae)
    base = replace(OdeConfig.preset(options.preset), seed=options.seed)
    base = replace(base, epochs=options.epochs or base.epochs)
    space = build_space(DEFAULT, base)
    store = PatternStore(data)
    folder = search_folder(options.storage_path, options.name)
    settings = {**{name: getattr(options, name) for name in Options.__slots__}, "epochs": base.epochs}
    with tracking.start(f"search-{folder.name}", phase="search", config=settings, folder=folder) as run:
        run.dataset(store.path, digest=store.digest)
        run.tag("vae.folder", str(vae_folder))
        job = prepare(base, folder, run, store, vae_folder, "cuda" if options.gpus else "cpu")
        board = Board(options.trials)
        try:
            _run(options, job, space, board, run)
        finally:  # a search that is stopped has a best trial too
            best = board.best()
            if best is not None:
                typed = command(options, best.settings, data, vae_folder, base)
                keep_best(run, folder, best, typed)
                click.echo(f"\nBest of {len(board.ended)} after {time.monotonic() - started:.0f} s:")
                click.echo(ending(best, typed, run, folder))
        if best is None:
            reasons = {row.reason or row.state for row in board.rows.values()}
            raise TrainingError(f"no trial came to a good end: {'; '.join(sorted(reasons))}; see {folder}")


def _run(options: Options, job: Job, space: Space, board: Board, run: tracking.Run) -> None:
    from tune import driver  # noqa: PLC0415 - Ray takes seconds to load: a mistake is told without it

    cpus = os.cpu_count() or 1
    fitting = options.gpus or max(1, cpus // options.cpus_per_trial)
    concurrent = min(options.concurrent or fitting, options.trials, options.gpus or options.trials)
    plan = driver.Plan(
        options.trials, concurrent, options.cpus_per_trial, options.gpus, options.scheduler, options.seed
    )
    where = f"{plan.gpus} GPU(s)" if plan.gpus else "the CPU"
    click.echo(f"{plan.trials} trials of {job.base.epochs} epochs on {where}, {concurrent} at a time; in {job.folder}")
    click.echo(f"  trial  {CRITERION.split('/')[1]}, lowest so far; * is the best until then")
    driver.run_trials(job, space, plan, board, run)


def check_resources(gpus: int, cpus_per_trial: int) -> None:
    """Raises: ValueError: the machine has fewer; Ray would wait for them for ever."""
    found = torch.cuda.device_count()
    if gpus > found:
        raise ValueError(f"--gpus {gpus}, but this machine has {found} CUDA device(s); --gpus 0 trains on the CPU")
    cpus = os.cpu_count() or 1
    if cpus_per_trial > cpus:
        raise ValueError(f"--cpus-per-trial {cpus_per_trial}, but this machine has {cpus} CPU(s)")


def find_data(given: str) -> Path:
    """The dataset to train on. Raises: FileNotFoundError: none there."""
    for path in [Path(given)] if given else [DATA, DEMO_DATA]:
        if path.is_file():
            return path
    where = f"`--data {given}` is no file" if given else f"no dataset at {DATA} or {DEMO_DATA}"
    raise FileNotFoundError(f"{where}; make one with `wallpaper generate` or `wallpaper demo`, or name it with --data")


def find_vae(given: str) -> Path:
    """Folder of the VAE whose latents are used. Raises: FileNotFoundError: none there."""
    for root in [Path(given)] if given else [VAE_RUNS, DEMO_VAE]:
        found = latest_run(root)
        if found is not None:
            return found
    where = f"`--vae {given}` holds no trained VAE" if given else f"no trained VAE below {VAE_RUNS} or in {DEMO_VAE}"
    raise FileNotFoundError(f"{where}; train one with `wallpaper train-vae` or `wallpaper demo`, or name it with --vae")


def search_folder(root: Path, name: str) -> Path:
    """A new folder, absolute: its name is given, or the time. Raises: FileExistsError: a search has it already."""
    if not name:
        return new_run_folder(root.absolute())
    if Path(name).name != name:
        raise ValueError(f"`--name` must be a folder's name without a path, but got {name!r}")
    folder = root.absolute() / name
    if folder.exists():
        raise FileExistsError(f"{folder} must not be there yet; choose another --name")
    folder.mkdir(parents=True)
    return folder


def prepare(
    base: OdeConfig, folder: Path, run: tracking.Run, store: PatternStore, vae_folder: Path, device: str
) -> Job:
    """Latents and their coupling, computed once for all trials and left in the search's folder."""
    vae = load_vae(vae_folder)
    digest = weights_digest(vae.state_dict())
    run.tag("vae.digest", digest)
    latents = cached_latents(store, vae, digest, vae_folder / "latents", side=vae.resolution)
    train, held_out = (latents.take(store.splits[name]) for name in ("train", "val"))
    owner = {"wallpaper.host": provenance.host(), "wallpaper.process": provenance.process()}
    job = Job(base, folder, run_name(folder), run.run_id, owner, digest, store.path.absolute(), store.digest, device)
    save_latents(job.latents, train, held_out)
    build_coupling(base.coupling, train, cache=job.coupling)
    return job


def run_name(folder: Path) -> str:
    """Of the search's run; its trials' begin with it."""
    return f"search-{folder.name}"


def command(options: Options, settings: Mapping[str, Any], data: Path, vae_folder: Path, base: OdeConfig) -> str:
    """What to type to train with these settings, as the trial did."""
    values = {"data": data, "vae": vae_folder, "preset": options.preset, "epochs": base.epochs, "seed": base.seed}
    typed = [f"--{name.replace('_', '-')}={value}" for name, value in {**values, **settings}.items()]
    return shlex.join(["wallpaper", "train-ode", *typed])


def keep_best(run: tracking.Run, folder: Path, best: Row, typed: str) -> None:
    """Record the best trial with the search's run, and in its folder."""
    about = {OBJECTIVE: best.objective, "criterion": CRITERION, "settings": dict(best.settings)}
    about |= {"run_id": best.run_id, "trial_id": best.trial_id, "command": typed}
    write_json(folder / BEST, json.loads(json.dumps(about)))
    run.artifact(folder / BEST)
    run.tag("best.run_id", best.run_id)


def ending(best: Row, typed: str, run: tracking.Run, folder: Path) -> str:
    """The last lines: the best settings, where they are, and how to use them."""
    lines = [f"  {CRITERION}  {best.objective:.4g}, trial {best.trial_id}"]
    lines += [f"  {name:<14} {short(value)}" for name, value in best.settings.items()]
    lines += [f"  checkpoint     {folder / 'trials' / best.trial_id}"]
    lines += [f"  in MLflow      run {best.run_id} of search {run.run_id}, at {run.store.uri}"]
    return "\n".join([*lines, "", "Train with these settings:", f"  {typed}"])


if __name__ == "__main__":
    search()
