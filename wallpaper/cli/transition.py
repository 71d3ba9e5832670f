"""`wallpaper transition`: one transition as an animation or a strip, with its symmetry spectrum and certificates.

Options alone; the files are written by `transition_files`, or by the client of a server.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from wallpaper.cli.endpoint import ask
from wallpaper.cli.output import Output
from wallpaper.cli.places import ANY_MODEL_HELP, model_folder
from wallpaper.model_files import DESCRIPTION
from wallpaper.plane import plane_group
from wallpaper.plane.routes import ROUTES

SUFFIXES = (".gif", ".mp4", ".png")
FIGURES = (".png", ".svg", ".pdf")


@click.command("transition")
@click.argument("source")
@click.argument("target")
@click.option(
    "-o",
    "--output",
    type=Output(),
    default=None,
    help="File to write: .gif, .mp4, or .png for a strip of ten frames. [default: SOURCE_to_TARGET.gif]",
)
@click.option(
    "--frames",
    type=Output(folder=True),
    default=None,
    help="Also write every frame as DIR/000.png and so on.",
)
@click.option(
    "--n-frames", type=click.IntRange(2, 1000), default=50, show_default=True, help="Frames, both ends included."
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Which source pattern: the generator's of this seed.",
)
@click.option(
    "--route",
    type=click.Choice(ROUTES),
    default="direct",
    show_default=True,
    help="widest goes through other groups where that keeps more symmetry on the way.",
)
@click.option(
    "--spectrum",
    "figure",
    type=Output(),
    default=None,
    help="Also draw how well every operation holds against time: a .png, .svg or .pdf file.",
)
@click.option(
    "--certify",
    type=Output(),
    default=None,
    help="Also identify the group of every frame and write the certificates to this .json file.",
)
@click.option("--model", default=None, help=ANY_MODEL_HELP)
@click.option(
    "--size", type=click.IntRange(16, 4096), default=384, show_default=True, help="Pixels along each side of a picture."
)
@click.option(
    "--cells", type=click.FloatRange(0.5, 20), default=2.5, show_default=True, help="Cells across a picture, about."
)
@click.option(
    "--duration",
    type=click.FloatRange(0.1, 600),
    default=2.5,
    show_default=True,
    help="Seconds that an animation lasts.",
)
@click.option(
    "--endpoint",
    metavar="URL",
    default=None,
    help="Let the server at this address make it, and certify its ends: `wallpaper serve`, `mlflow models serve`.",
)
def transition(
    source: str,
    target: str,
    output: Path | None,
    frames: Path | None,
    n_frames: int,
    seed: int,
    route: str,
    figure: Path | None,
    certify: Path | None,
    model: str | None,
    size: int,
    cells: float,
    duration: float,
    endpoint: str | None,
) -> None:
    """Turn a pattern of group SOURCE into group TARGET and write what it looks like.

    Groups: p1 p2 pm pg cm pmm pmg pgg cmm p4 p4m p4g p3 p3m1 p31m p6 p6m. Every frame keeps the common subgroup
    of both exactly; the first has exactly SOURCE, the last exactly TARGET.

    \b
    Examples:
      wallpaper transition p1 p6m -o p1_p6m.gif
      wallpaper transition cmm p4m -o strip.png --seed 7
      wallpaper transition pm p4 --route widest --spectrum spectrum.png --certify certificates.json
      wallpaper transition p3 p6 --model models:/wallpaper-transition@champion
      wallpaper transition p1 p6m -o p1_p6m.gif --endpoint http://127.0.0.1:5001
    """
    first, last = plane_group(source).name, plane_group(target).name
    output = output or Path(f"{first}_to_{last}.gif")
    _check_suffixes(
        {"--output": (output, SUFFIXES), "--spectrum": (figure, FIGURES), "--certify": (certify, (".json",))}
    )
    if endpoint is not None:
        files = {"output": output, "frames": frames, "spectrum": figure, "certify": certify, "model": model}
        form = {"n_frames": n_frames, "seed": seed, "route": route, "size": size, "cells": cells, "duration": duration}
        sys.exit(ask(endpoint, first, last, **files, **form))
    folder = _fetched(model) if model and model.startswith("models:/") else model_folder(model)
    from wallpaper.cli import transition_files as made  # noqa: PLC0415 - takes seconds: no help or mistake waits for it

    result = made.make(folder, first, last, seed=seed, n_frames=n_frames, route=route)
    made.write_pictures(result, output, frames, size=size, cells=cells, duration_s=duration)
    if figure is not None:
        made.write_spectrum(result, figure, cells)
    if certify is not None:
        made.write_certificates(result, certify)


def _fetched(address: str) -> Path:
    """A registered model's folder, there until the command ends. Raises: TrackingError: no transition model there."""
    from wallpaper import recorded  # noqa: PLC0415 - loads MLflow, which takes a second

    folder = click.get_current_context().with_resource(TemporaryDirectory(prefix="wallpaper-"))
    whole = next(recorded.download_registered(address, Path(folder)).rglob(DESCRIPTION), None)
    if whole is None:
        raise recorded.TrackingError(
            f"`--model {address}` must be a transition model, but there is no {DESCRIPTION} in it; "
            "`wallpaper models` lists what is registered"
        )
    return whole.parent


def _check_suffixes(given: Mapping[str, tuple[Path | None, tuple[str, ...]]]) -> None:
    """Raises: click.BadParameter: a file of a kind that the option does not write."""
    for option, (path, suffixes) in given.items():
        if path is not None and path.suffix.lower() not in suffixes:
            text = f"must end in {', '.join(suffixes)}, but got {str(path)!r}"
            raise click.BadParameter(text, param_hint=f"'{option}'")
