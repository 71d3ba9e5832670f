"""`wallpaper serve`: a thin door to the server of the registered model."""

from __future__ import annotations

import re
import sys

import click

from wallpaper import tracking
from wallpaper.cli.application import call
from wallpaper.cli.places import CHAMPION


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
    sys.exit(call("serving", ["-m", "mlflow", "models", "serve", *arguments]))


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
