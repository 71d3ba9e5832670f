"""`wallpaper transition`: one transition as an animation or a strip, with its symmetry spectrum and certificates.

Options around `wallpaper.transition`; everything drawn is drawn by `wallpaper.pictures`, judged by `wallpaper.judge`.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from wallpaper.cli.endpoint import ask
from wallpaper.cli.places import MODEL_HELP, model_folder
from wallpaper.cli.progress import bar
from wallpaper.judge import identify
from wallpaper.models.transition_model import TransitionModel
from wallpaper.pictures.animation import write_animation, write_png
from wallpaper.pictures.figures import save_figure, spectrum_plot
from wallpaper.pictures.files import replacing
from wallpaper.pictures.render import Picture
from wallpaper.pictures.strip import spread
from wallpaper.plane import plane_group
from wallpaper.plane.relations import classify
from wallpaper.plane.routes import ROUTES
from wallpaper.transition import Transition, pictures, spectrum, transition_from_seed, verdict

SUFFIXES = (".gif", ".mp4", ".png")
FIGURES = (".png", ".svg", ".pdf")
THUMBNAILS, THUMBNAIL_SIZE = 9, 150


@click.command("transition")
@click.argument("source")
@click.argument("target")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="File to write: .gif, .mp4, or .png for a strip of ten frames. [default: SOURCE_to_TARGET.gif]",
)
@click.option(
    "--frames",
    type=click.Path(path_type=Path, file_okay=False),
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
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Also draw how well every operation holds against time: a .png, .svg or .pdf file.",
)
@click.option(
    "--certify",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Also identify the group of every frame and write the certificates to this .json file.",
)
@click.option("--model", default=None, help=MODEL_HELP)
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
    loaded = TransitionModel.load(model_folder(model))
    result = transition_from_seed(loaded, first, last, seed=seed, n_frames=n_frames, route=route)
    drawn = pictures(result, size=size, cells=cells)
    write_animation(output, drawn, duration_s=duration)
    click.echo(f"{output}: {_summary(result)}")
    if frames is not None:
        for number, picture in enumerate(drawn):
            write_png(frames / f"{number:03d}.png", picture)
        click.echo(f"{frames}/: {len(drawn)} frames")
    if figure is not None:
        _draw_spectrum(figure, result, cells)
        click.echo(f"{figure}: the symmetry spectrum")
    if certify is not None:
        click.echo(f"{certify}: {_certify(certify, result)}")


def _check_suffixes(given: Mapping[str, tuple[Path | None, tuple[str, ...]]]) -> None:
    """Raises: click.BadParameter: a file of a kind that the option does not write."""
    for option, (path, suffixes) in given.items():
        if path is not None and path.suffix.lower() not in suffixes:
            text = f"must end in {', '.join(suffixes)}, but got {str(path)!r}"
            raise click.BadParameter(text, param_hint=f"'{option}'")


def _summary(result: Transition) -> str:
    route = result.route
    way = " to ".join(route.groups)
    if len(route.legs) == 1:
        kept = f"every frame keeps {route.legs[0].common_group} (order {route.width})"
    else:
        kept = "frames keep " + ", then ".join(f"{leg.common_group} (order {leg.order})" for leg in route.legs)
    return f"{way}, {kept}; path length {result.path_length:.2f}, {result.nfe} evaluations"


def _draw_spectrum(path: Path, result: Transition, cells: float) -> None:
    shown = result.at(spread(len(result.times), THUMBNAILS))
    thumbnails: list[Picture] = pictures(shown, size=THUMBNAIL_SIZE, cells=cells)
    measured = spectrum(result)
    common = [line.operation for line in measured.lines if line.role == "common"]
    last = len(result.times) - 1
    inner = [index for index, weight in enumerate(result.weights) if weight == 1 and index != last]
    figure = spectrum_plot(
        measured,
        source=result.source,
        target=result.target,
        common=classify((result.route.legs[0].common[0], *common)) if common else "",
        waypoints=[(float(result.times[index]), result.planned(index)[0]) for index in inner],
        pictures=thumbnails,
    )
    save_figure(path, figure)


def _certify(path: Path, result: Transition) -> str:
    """Identify every frame and write the certificates; returns what was found, in words."""
    rows: list[dict[str, Any]] = []
    with bar("identifying", "frames") as move:
        for index, lattice in enumerate(result.lattices):
            pixels = result.frames[index].permute(1, 2, 0).cpu().numpy()
            certificate = identify(pixels, lattice)
            expected = result.planned(index)[0]
            rows.append(
                {
                    "time": float(result.times[index]),
                    "expected": expected,
                    "found": certificate.group,
                    "verdict": verdict(certificate, expected, lattice),
                    "certificate": certificate.to_dict(),
                }
            )
            move(index + 1, len(result.lattices))
    head = {"source": result.source, "target": result.target, "route": list(result.route.groups)}
    with replacing(path) as temporary:
        temporary.write_text(json.dumps({**head, "frames": rows}, indent=1) + "\n", encoding="utf-8")
    counts = Counter(row["verdict"] for row in rows)
    parts = [f"{counts['exact']} of {len(rows)} frames have exactly the planned group"]
    parts += [f"{counts['higher']} a higher one that holds it"] if counts["higher"] else []
    parts += [f"{counts['other']} ANOTHER"] if counts["other"] else []
    return ", ".join(parts)
