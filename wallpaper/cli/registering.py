"""What `wallpaper register` does, and `demo` too: hand a model and its figures to the serving application.

Which figures are its own is decided here, and where there are none, an evaluation comes first; what becomes of the
aliases is decided there.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from wallpaper import recorded, tracking
from wallpaper.cli.application import call
from wallpaper.cli.measuring import evaluation_path, measure
from wallpaper.cli.places import AUTO, NAME
from wallpaper.data import PatternStore
from wallpaper.evaluation import read_record, weights_of
from wallpaper.model_files import DESCRIPTION
from wallpaper.models.transition_model import TransitionModel

HELD_OUT = "test"
"""The split that registered figures are of: gates compare versions on the same patterns."""


def register_model(
    folder: Path, *, name: str = NAME, alias: str = AUTO, run_id: str = "", data: Path | None = None
) -> int:
    """Run the registration as a process of its own, after an evaluation if there is `data` and none of it; its code.

    Raises: TrackingError: the store does not answer: a version must not lose its origin for that.
    """
    info = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8")).get("info", {})
    arguments = [str(folder.absolute()), "--name", name, "--alias", alias]
    trained = info.get("run_id", "")
    origin = run_id or (recorded.known_run(trained) if trained else "")  # a model may come from another store
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
