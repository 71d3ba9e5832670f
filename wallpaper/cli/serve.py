"""`wallpaper serve`: a thin door to the server of the registered model.

Options only; the server is the serving application's.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from wallpaper.cli.application import call
from wallpaper.cli.places import CHAMPION


@click.command("serve")
@click.option(
    "--model",
    default=CHAMPION,
    show_default=True,
    help="models:/NAME@ALIAS, models:/NAME/VERSION, or a folder of MLflow's.",
)
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
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=None,
    help="Requests that each process computes at once; the others wait. [default: its share of the cores, 2 at least]",
)
@click.option(
    "--timeout",
    type=click.IntRange(min=1),
    default=60,
    show_default=True,
    help="Seconds after which a request gets a 504.",
)
@click.option(
    "--grace",
    type=click.IntRange(min=0),
    default=30,
    show_default=True,
    help="Seconds that requests under way have to end when the server is stopped.",
)
def serve(model: str, host: str, port: int, workers: int, threads: int | None, timeout: int, grace: int) -> None:
    """Serve a registered model over HTTP, as `mlflow models serve` does, with this Python.

    The port opens when every process has loaded the model and answered its example, so the first request is as fast
    as the others. Ctrl-C or SIGTERM refuse new requests and let those under way end; a second Ctrl-C does not wait.

    \b
    Ask it, once it says that it answers:
      curl -s http://127.0.0.1:5001/invocations -H 'Content-Type: application/json' \\
        -d '{"dataframe_records": [{"source_group": "p1", "target_group": "p6m"}], "params": {"n_frames": 8}}'
    """
    if host not in ("127.0.0.1", "localhost", "::1"):
        click.echo(f"Warning: anyone who reaches {host} can use this server; it asks for no password.", err=True)
    _check_registered(model)
    given = {"host": host, "port": port, "workers": workers, "threads": threads, "timeout": timeout, "grace": grace}
    options = [word for name, value in given.items() if value is not None for word in (f"--{name}", str(value))]
    place = str(Path(model).absolute()) if Path(model).is_dir() else model
    sys.exit(call("serving", ["-m", "serving.serve", "--model", place, *options]))


def _check_registered(model: str) -> None:
    """Raises: FileNotFoundError: no such version or alias, where MLflow's server would show a traceback."""
    named = re.fullmatch(r"models:/([^@/]+)(?:@(.+)|/(\d+))", model)
    if named is None:
        return
    from wallpaper import tracking  # noqa: PLC0415 - loads MLflow, which takes seconds: help does not wait for it

    name, alias, version = named.groups()
    store = tracking.initialise()
    try:
        if alias:
            store.client.get_model_version_by_alias(name, alias)
        else:
            store.client.get_model_version(name, version)
    except Exception as error:  # MLflow's, whatever its store is
        raise FileNotFoundError(
            f"`--model {model}` must be registered in {store.shown}, but: {str(error).splitlines()[0]}; "
            "register a trained model with `wallpaper register`"
        ) from error
