"""The `wallpaper` command: one module per group of subcommands, loaded when its command is called.

Subcommands import torch, matplotlib or MLflow; `wallpaper --help` needs none of them and stays quick.
"""

from __future__ import annotations

import importlib
import keyword
import os
import sys
from typing import Any

import click

from wallpaper import __version__
from wallpaper.cli.errors import explain

# Before torch is loaded: its threads shall sleep while they wait for each other. Spinning, as they do by default, made
# a training step twenty times slower on two cores that something else was using too.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

COMMANDS = {
    "demo": ("demo", "The whole job on embedded defaults: data, training, evaluation, registry, pictures."),
    "generate": ("generate", "Make a dataset of patterns whose symmetry is exact."),
    "inspect": ("inspect", "Say what is in a file of patterns, and judge its labels again."),
    "benchmark": ("benchmark", "Write test pictures of all groups with certified truth, for any recogniser."),
    "import": ("import_", "Bring pictures from outside into a dataset: analysed, made exact, reported."),
    "export": ("export", "Write patterns for other programs: HDF5, seamless tiles, SVG, folders of pictures."),
    "identify": ("identify", "Identify the plane group of pictures, and draw their symmetry elements."),
    "train-vae": ("train", "Phase 1: train the symmetry-invariant VAE."),
    "train-ode": ("train", "Phase 2: train the neural ODE on a frozen VAE."),
    "transition": ("transition", "Make a GIF, MP4 or strip of one group turning into another."),
    "relations": ("relations", "How the groups are related: subgroups, common subgroups, routes, the tree."),
    "search": ("search", "Search settings of both phases, trial by trial, and register the best model."),
    "evaluate": ("evaluate", "Measure a trained model: reconstruction, symmetry, transport."),
    "register": ("registry", "Register a trained model in MLflow as the next version, with its figures."),
    "models": ("versions", "List registered versions: aliases, figures, digests."),
    "promote": ("versions", "Make a version champion, if the gates hold."),
    "rollback": ("versions", "Make the champion before champion again."),
    "serve": ("serve", "Serve the registered model over HTTP."),
    "doctor": ("doctor", "Check what the commands need here, and say what to do."),
    "sync": ("sync", "Send what runs could not record while their tracking server was away."),
    "dashboard": ("dashboard", "Show trainings, searches and models live in a browser."),
}
"""Subcommand: its module in this package, and its line in the list of commands."""


class LazyGroup(click.Group):
    """A group that imports a subcommand's module only to run it or show its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of a first use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand, or None if there is no such name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"{__name__}.{COMMANDS[cmd_name][0]}")
        name = cmd_name.replace("-", "_")
        command = getattr(module, name + "_" * keyword.iskeyword(name))
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; a user's mistake becomes one sentence and exit code 2, never a traceback."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            sys.exit(130)
        except Exception as error:
            explained = explain(error)
            if explained is None or os.environ.get("WALLPAPER_TRACEBACK"):
                raise
            message, code = explained
            click.echo(message, err=True)
            sys.exit(code)


CONTEXT = {
    "help_option_names": ["-h", "--help"],
    "max_content_width": 110,
    # `mlflow run -P weight_decay=0` passes parameters that MLproject does not list on as --weight_decay 0.
    "token_normalize_func": lambda name: name.replace("_", "-"),
}


@click.group(cls=LazyGroup, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="wallpaper")
def main() -> None:
    """Learned transitions between the 17 wallpaper groups, with symmetry that is exact.

    \b
    First steps:
      wallpaper demo                                all, end to end: ten minutes to half an hour on two cores
      wallpaper transition p1 p6m -o p1_p6m.gif     one transition from the newest model
      wallpaper generate --help                     each command explains itself

    Commands run from the project's folder and keep data/, output/ and mlflow.db there.
    WALLPAPER_TRACEBACK=1 shows Python's traceback behind an error message.
    """
