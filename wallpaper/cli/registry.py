"""`wallpaper register` and `wallpaper serve`: thin doors to the serving application and to MLflow's server.

Both run as processes of their own: applications never import each other.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from wallpaper import tracking
from wallpaper.checkout import project_root
from wallpaper.cli.jobs import EVALUATION
from wallpaper.cli.places import CHAMPION, MODEL_HELP, model_folder

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
        return _call([sys.executable, "-m", "serving.register", *arguments])


def _known_run(run_id: str) -> str:
    """The run if this store has it, else "": a model may come from another store."""
    try:
        return tracking.find_run(run_id).run_id if run_id else ""
    except tracking.TrackingError:
        return ""


@click.command("serve")
@click.option("--model", default=CHAMPION, show_default=True, help="models:/NAME@ALIAS or models:/NAME/VERSION.")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; others than this reach every network."
)
@click.option("-p", "--port", type=click.IntRange(1, 65535), default=5001, show_default=True, help="Port to listen on.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes, each with its own copy of the model.",
)
def serve(model: str, host: str, port: int, workers: int) -> None:
    """Serve a registered model over HTTP, as `mlflow models serve` does, with this Python.

    \b
    Ask it, once it says that it is running:
      curl -s http://127.0.0.1:5001/invocations -H 'Content-Type: application/json' \\
        -d '{"dataframe_records": [{"source_group": "p1", "target_group": "p6m"}], "params": {"n_frames": 8}}'
    """
    if host not in ("127.0.0.1", "localhost", "::1"):
        click.echo(f"Warning: anyone who reaches {host} can use this server; it asks for no password.", err=True)
    _check_registered(model)
    arguments = ["-m", model, "--env-manager", "local", "-h", host, "-p", str(port), "-w", str(workers)]
    sys.exit(_call([sys.executable, "-m", "mlflow", "models", "serve", *arguments]))


def _check_registered(model: str) -> None:
    """Raises: FileNotFoundError: no such version or alias, where MLflow's server would show a traceback."""
    named = re.fullmatch(r"models:/([^@/]+)(?:@(.+)|/(\d+))", model)
    if named is None:
        return
    name, alias, version = named.groups()
    store = tracking.initialise()
    try:
        if alias:
            store.client.get_model_version_by_alias(name, alias)
        else:
            store.client.get_model_version(name, version)
    except Exception as error:  # MLflow's, whatever its store is
        raise FileNotFoundError(
            f"`--model {model}` must be registered in {store.uri}, but: {str(error).splitlines()[0]}; "
            "register a trained model with `wallpaper register`"
        ) from error


def _call(command: list[str]) -> int:
    """Run in the project's folder, where `serving` is, against the same store; Ctrl-C ends it quietly."""
    root = project_root()
    if not (root / "serving").is_dir():
        raise FileNotFoundError(
            f"`serving/` must be in the project's folder, but {root} has none; call this from the checkout"
        )
    tracking.initialise()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    try:
        return subprocess.run(command, cwd=root, env={**os.environ, "PATH": path}, check=False).returncode
    except KeyboardInterrupt:
        return 130
