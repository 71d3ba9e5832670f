"""`wallpaper search`: a thin door to the search application.

It runs as a process of its own, in the folder that this is called in: applications never import each other.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from wallpaper.checkout import project_root

PROGRAM = "tune/search.py"


class Door(click.Command):
    """A command whose options are the program's own."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options, as the program shows them."""
        command = [sys.executable, str(program()), "--help"]
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        formatter.write(f"\nOptions:{shown.partition('Options:')[2]}")


@click.command(
    "search",
    cls=Door,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
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
    with subprocess.Popen([sys.executable, str(program()), *arguments]) as process:
        while True:
            try:
                sys.exit(process.wait())
            except KeyboardInterrupt:  # the search has got it too, and ends in order
                continue


def program() -> Path:
    """The application in the checkout. Raises: FileNotFoundError: this runs without one."""
    found = project_root() / PROGRAM
    if not found.is_file():
        raise FileNotFoundError(f"{PROGRAM} must be in the project's folder, but {found} is not; call this from there")
    return found
