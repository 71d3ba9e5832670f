"""`wallpaper dashboard`: a thin door to the dashboard.

It becomes that process: applications never import each other, and Ctrl-C goes where it belongs.
"""

from __future__ import annotations

import os
import sys

import click

from wallpaper.checkout import project_root

PROGRAM = "dashboard"

TYPED = "WALLPAPER_DASHBOARD_TYPED"
"""Tells that program what was typed, for its messages about it."""


@click.command("dashboard")
@click.option(
    "--tracking-uri",
    default="",
    metavar="URI",
    help="The MLflow store: sqlite:///mlflow.db, or a server's http address. [default: MLFLOW_TRACKING_URI, "
    "else mlflow.db in the project's folder]",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True, help="Port to listen on.")
@click.option("--read-only", is_flag=True, help="Show alone: nobody can promote a version or roll back.")
def dashboard(tracking_uri: str, host: str, port: int, *, read_only: bool) -> None:
    """Show trainings, searches and models live, from what they record in MLflow.

    An address that others can reach needs a password, in the environment variable WALLPAPER_DASHBOARD_PASSWORD.

    \b
    Examples:
      wallpaper dashboard                                         http://127.0.0.1:8080
      wallpaper dashboard --tracking-uri http://127.0.0.1:5000    a server's runs
      wallpaper dashboard --port 8081
    """
    root = project_root()
    if not (root / PROGRAM).is_dir():
        raise FileNotFoundError(
            f"`{PROGRAM}/` must be in the project's folder, but {root} has none; call this from the checkout"
        )
    path = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
    own = {**os.environ, "PYTHONPATH": path, TYPED: f"wallpaper {PROGRAM}"}
    options = [f"--tracking-uri={tracking_uri}", f"--host={host}", f"--port={port}", *["--read-only"] * read_only]
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-m", PROGRAM, *options], own)
