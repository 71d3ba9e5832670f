"""`wallpaper search`: a thin door to the search application.

It runs as a process of its own, in the folder that this is called in: applications never import each other.
"""

from __future__ import annotations

import sys

import click

from wallpaper.checkout import project_root
from wallpaper.cli.door import UNTOUCHED, Door, run

PROGRAM = "tune/search.py"


def program() -> tuple[str]:
    """The application in the checkout. Raises: FileNotFoundError: this runs without one."""
    found = project_root() / PROGRAM
    if not found.is_file():
        raise FileNotFoundError(f"{PROGRAM} must be in the project's folder, but {found} is not; call this from there")
    return (str(found),)


@click.command("search", cls=Door, program=program, context_settings=UNTOUCHED)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def search(arguments: tuple[str, ...]) -> None:
    """Search settings of both phases with Optuna under Ray Tune, and register the best model.

    ARGUMENTS are the options of `python tune/search.py`, shown below.

    \b
    Examples:
      wallpaper search --trials 8                       each phase, on the CPU
      wallpaper search --phase ode --objectives w2,nfe
      wallpaper search --gpus 4
      wallpaper search --resume last
    """
    sys.exit(run([sys.executable, *program(), *arguments]))
