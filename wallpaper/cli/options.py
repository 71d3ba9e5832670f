"""Options that commands share, and those made from a configuration class: one per field, named and explained by it.

It knows the classes' fields through `describe` alone, and no training.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from wallpaper.cli.places import DATA, DEMO_DATA, NAME, dataset
from wallpaper.training.by_heart import STEPS_BY_HEART
from wallpaper.training.config import FieldInfo, describe

F = TypeVar("F", bound=Callable[..., Any])

DRY_RUN, ONE_BATCH = "dry_run", "overfit_one_batch"


def config_options(cls: type, presets: tuple[str, ...], default_preset: str) -> Callable[[F], F]:
    """A decorator adding --preset and an option for every field of `cls`.

    Options not given arrive as None: they keep the preset's value.
    """

    def decorate(function: F) -> F:
        for info in reversed(describe(cls)):
            function = _option(info)(function)
        preset = click.option(
            "--preset",
            type=click.Choice(presets),
            default=default_preset,
            show_default=True,
            help="Named settings: smoke takes seconds, laptop minutes on a CPU, plan is the full size for a GPU.",
        )
        return preset(function)

    return decorate


def given(cls: type, values: dict[str, Any]) -> dict[str, Any]:
    """Those of a command's values that are fields of `cls` and were given by the user."""
    names = {info.name for info in describe(cls)}
    return {name: value for name, value in values.items() if name in names and value not in (None, "", "preset")}


def _option(info: FieldInfo) -> Callable[[F], F]:
    doc = info.doc.split("\n\n")[0].replace("\n", " ")
    choices = f" One of: {', '.join(info.choices)}." if info.choices else ""
    kind = "VALUES" if info.kind is tuple else info.kind.__name__.upper()
    # Text on purpose: the configuration converts and checks, so every interface gives the same messages.
    return click.option(f"--{info.name.replace('_', '-')}", info.name, metavar=kind, default=None, help=doc + choices)


def data_option(text: str) -> Callable[[F], F]:
    """--data: a dataset's file; the demonstration's where there is no other."""
    return click.option(
        "--data",
        type=click.Path(path_type=Path, dir_okay=False),
        default=DATA,
        show_default=f"{DATA}, else {DEMO_DATA}",
        callback=lambda _context, _option, value: dataset(value),
        help=text,
    )


def trying_options(function: F) -> F:
    """Adds --dry-run and --overfit-one-batch, one value `attempt`: the name of the one given, or None."""
    dry = click.option(
        "--dry-run",
        "attempt",
        flag_value=DRY_RUN,
        help="Only check data and settings, take a few steps, and say how large, how long and how much memory.",
    )
    one = click.option(
        "--overfit-one-batch",
        "attempt",
        flag_value=ONE_BATCH,
        help=f"Only learn one batch by heart in {STEPS_BY_HEART} steps, to see that the model can learn at all.",
    )
    return dry(one(function))


def optional_flag(name: str, text: str) -> Callable[[F], F]:
    """An option that is true or false, given with a value so that MLproject parameters can reach it."""
    return click.option(name, type=click.BOOL, default=False, show_default=True, metavar="BOOL", help=text)


def _checked_name(context: click.Context, option: click.Parameter, name: str) -> str:
    if set("/:") & set(name):
        raise click.BadParameter(f"must hold neither / nor :, but got {name!r}", ctx=context, param=option)
    return name


name_option = click.option("--name", default=NAME, show_default=True, callback=_checked_name, help="Registered model.")
"""Of all commands of the registry."""
