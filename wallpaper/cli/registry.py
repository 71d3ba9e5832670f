"""`wallpaper register`: a thin door to the serving application, after an evaluation where one is missing.

Which model, and which figures are its own, is decided here; what becomes of the aliases, there.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import click

from wallpaper import tracking
from wallpaper.cli.application import call
from wallpaper.cli.evaluate import evaluation_path, measure
from wallpaper.cli.options import name_option
from wallpaper.cli.places import MODEL, MODEL_HELP, NAME, ODE_RUNS, model_folder
from wallpaper.data import PatternStore
from wallpaper.evaluation import read_record, weights_of
from wallpaper.model_files import DESCRIPTION
from wallpaper.models.transition_model import TransitionModel

AUTO = "auto"
HELD_OUT = "test"
"""The split that registered figures are of: gates compare versions on the same patterns."""


@click.command("register")
@click.argument("run", default="", required=False)
@click.option("--model", default="", help=MODEL_HELP)
@name_option
@click.option(
    "--alias",
    default=AUTO,
    show_default=True,
    help="Alias to move to the new version; empty for none. champion goes through the gates of `wallpaper promote`; "
    "auto is champion for the first version, else challenger.",
)
@click.option(
    "--run",
    "run_id",
    default="",
    metavar="RUN_ID",
    help="MLflow run that the model comes from. [default: the one that trained it]",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Pattern file: the model is evaluated on its test part, unless it was, and samples of that part go with it.",
)
def register(run: str, model: str, name: str, alias: str, run_id: str, data: Path | None) -> None:
    """Register a trained model in MLflow as the next version, with the figures of its evaluation.

    RUN is a model's or a run's folder, its name below output/ode, the id of an MLflow run, or shipped; as --model.
    The model must load and answer an example before any alias moves. The first version becomes @champion, which is
    served; later ones are @challenger until `wallpaper promote` has found that the gates hold.

    \b
    Examples:
      wallpaper register                                     the newest model
      wallpaper register shipped --data data/patterns.h5     evaluated now, which takes minutes
    """
    if run and model:
        raise click.UsageError("RUN and `--model` both name the model; give one of them")
    folder = find_model(run) if run else model_folder(model or None)
    sys.exit(register_model(folder, name=name, alias=alias, run_id=run_id, data=data))


def find_model(run: str) -> Path:
    """The model that a run trained. Raises: FileNotFoundError: no such run or folder. TrackingError: no model kept."""
    if (ODE_RUNS / run / MODEL / DESCRIPTION).is_file():
        return ODE_RUNS / run / MODEL
    if not re.fullmatch("[0-9a-f]{32}", run) or Path(run).exists():
        return model_folder(run)
    folder = tracking.find_run(run).folder
    if folder and (folder / MODEL / DESCRIPTION).is_file():
        return folder / MODEL
    return tracking.download(run, MODEL)


def register_model(
    folder: Path, *, name: str = NAME, alias: str = AUTO, run_id: str = "", data: Path | None = None
) -> int:
    """Run the registration as a process of its own, after an evaluation if there is `data` and none of it; its code."""
    info = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8")).get("info", {})
    arguments = [str(folder.absolute()), "--name", name, "--alias", alias]
    origin = run_id or _known_run(info.get("run_id", ""))
    arguments += ["--run", origin] if origin else []
    evaluation = _evaluation(folder, data)
    arguments += ["--evaluation", str(evaluation.absolute())] if evaluation else []
    arguments += ["--data", str(data.absolute())] if data else []
    return call("serving", ["-m", "serving.register", *arguments])


def registered_as(run_id: str, name: str = NAME) -> str:
    """The address of the newest version that comes from a run, by its alias if it has one."""
    client = tracking.initialise().client
    versions = client.search_model_versions(f"name='{name}' and run_id='{run_id}'")
    number = max((each.version for each in versions), key=int)
    aliases = sorted(client.get_model_version(name, number).aliases, key=lambda alias: alias != "champion")
    return f"models:/{name}@{aliases[0]}" if aliases else f"models:/{name}/{number}"


def _evaluation(folder: Path, data: Path | None) -> Path | None:
    """The file with the figures of these very weights on held-out patterns; None, which is said, if there is none."""
    path = evaluation_path(folder)
    reason = _unfit(path, folder, data)
    if reason and data:
        click.echo(f"Evaluating {folder} on the test part of {data}: {reason}.", err=True)
        return measure(folder, data, HELD_OUT)[1]
    if reason:
        click.echo(f"No figures go with it: {reason}.", err=True)
        return None
    return path


def _unfit(path: Path, folder: Path, data: Path | None) -> str:
    """Why an evaluation is not the one to register; "" if it is."""
    if not path.is_file():
        return f"there is no {path}"
    found = read_record(path)
    if found.weights != weights_of(TransitionModel.load(folder)):
        return f"{path} is not of these weights"
    if found.split != HELD_OUT:
        return f"{path} is of the split {found.split}"
    return f"{path} is of other patterns" if data and found.data != PatternStore(data).digest else ""


def _known_run(run_id: str) -> str:
    """The run if this store has it, else "": a model may come from another store."""
    try:
        return tracking.find_run(run_id).run_id if run_id else ""
    except tracking.TrackingError:
        return ""
