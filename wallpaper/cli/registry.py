"""`wallpaper register`: a thin door to the serving application's registration."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import click

from wallpaper import tracking
from wallpaper.cli.application import call
from wallpaper.cli.jobs import EVALUATION
from wallpaper.cli.places import MODEL_HELP, model_folder

NAME, ALIAS = "wallpaper-transition", "champion"


@click.command("register")
@click.option("--model", default="", help=MODEL_HELP)
@click.option("--name", default=NAME, show_default=True, help="Registered model.")
@click.option("--alias", default=ALIAS, show_default=True, help="Alias to move to the new version; empty for none.")
@click.option(
    "--run",
    "run_id",
    default="",
    metavar="RUN_ID",
    help="MLflow run that the model comes from. [default: the one that trained it]",
)
def register(model: str, name: str, alias: str, run_id: str) -> None:
    """Register a trained model in MLflow as the next version, and move an alias to it.

    The model must load and answer an example before the alias moves. Its evaluation's figures, where there are any,
    go with it.
    """
    if set("/:") & set(name):
        raise click.BadParameter(f"must hold neither / nor :, but got {name!r}", param_hint="'--name'")
    sys.exit(register_model(model_folder(model or None), name=name, alias=alias, run_id=run_id))


def register_model(folder: Path, *, name: str = NAME, alias: str = ALIAS, run_id: str = "") -> int:
    """Run the registration as a process of its own; its exit code."""
    info = json.loads((folder / "model.json").read_text(encoding="utf-8")).get("info", {})
    arguments = [str(folder.absolute()), "--name", name, "--alias", alias]
    origin = run_id or _known_run(info.get("run_id", ""))
    if origin:
        arguments += ["--run", origin]
    with tempfile.TemporaryDirectory() as temporary:
        if (folder.parent / EVALUATION).is_file():
            found = json.loads((folder.parent / EVALUATION).read_text(encoding="utf-8"))
            metrics = Path(temporary) / "metrics.json"
            metrics.write_text(json.dumps(found["metrics"]), encoding="utf-8")
            arguments += ["--metrics", str(metrics)]
        return call("serving", ["-m", "serving.register", *arguments])


def _known_run(run_id: str) -> str:
    """The run if this store has it, else "": a model may come from another store."""
    try:
        return tracking.find_run(run_id).run_id if run_id else ""
    except tracking.TrackingError:
        return ""
