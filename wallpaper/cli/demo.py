"""`wallpaper demo`: the whole job on embedded defaults, from nothing to pictures and a registered model.

Options alone; `demonstration` does the job.
"""

from __future__ import annotations

from pathlib import Path

import click

from wallpaper.cli.demo_settings import PRESETS
from wallpaper.cli.output import Output
from wallpaper.cli.places import DEMO


@click.command("demo")
@click.option(
    "--output",
    type=Output(folder=True),
    default=DEMO,
    show_default=True,
    help="Where everything goes.",
)
@click.option(
    "--preset",
    type=click.Choice(tuple(PRESETS)),
    default="laptop",
    show_default=True,
    help="laptop takes ten minutes to half an hour on two cores; smoke a minute, to see that all parts work.",
)
@click.option(
    "--fresh", is_flag=True, help="Start over; without it, steps that are done are kept and an interrupted one goes on."
)
def demo(output: Path, preset: str, fresh: bool) -> None:
    """The whole job, end to end: data, VAE, ODE, evaluation, registry, eight transitions as pictures.

    Everything is tracked in MLflow. Interrupted, it goes on where it was.
    """
    from wallpaper.cli import demonstration  # noqa: PLC0415 - takes seconds: no help or mistake waits for it

    demonstration.demonstrate(output, PRESETS[preset], fresh=fresh)
