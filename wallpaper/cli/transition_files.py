"""What `wallpaper transition` writes: the animation or strip, frames, the symmetry spectrum and certificates.

Computed by `wallpaper.transition`, drawn by `wallpaper.pictures`, judged by `wallpaper.judge`.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import click

from wallpaper.cli.progress import bar
from wallpaper.judge import identify
from wallpaper.models.transition_model import TransitionModel
from wallpaper.pictures.animation import write_animation, write_png
from wallpaper.pictures.figures import save_figure, spectrum_plot
from wallpaper.pictures.files import replacing
from wallpaper.pictures.render import Picture
from wallpaper.pictures.strip import spread
from wallpaper.plane.relations import classify
from wallpaper.transition import Transition, pictures, spectrum, transition_from_seed, verdict

THUMBNAILS, THUMBNAIL_SIZE = 9, 150


def make(folder: Path, source: str, target: str, *, seed: int, n_frames: int, route: str) -> Transition:
    """The transition of the model in a folder, from the generator's pattern of a seed."""
    model = TransitionModel.load(folder)
    return transition_from_seed(model, source, target, seed=seed, n_frames=n_frames, route=route)


def write_pictures(
    result: Transition, output: Path, frames: Path | None, *, size: int, cells: float, duration_s: float
) -> None:
    """The animation or strip, and each frame below `frames` if that is given."""
    drawn = pictures(result, size=size, cells=cells)
    write_animation(output, drawn, duration_s=duration_s)
    click.echo(f"{output}: {_summary(result)}")
    if frames is not None:
        for number, picture in enumerate(drawn):
            write_png(frames / f"{number:03d}.png", picture)
        click.echo(f"{frames}/: {len(drawn)} frames")


def write_spectrum(result: Transition, path: Path, cells: float) -> None:
    """The symmetry spectrum with some frames above it."""
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
    click.echo(f"{path}: the symmetry spectrum")


def write_certificates(result: Transition, path: Path) -> None:
    """Identify every frame and write the certificates; what was found is said."""
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
    click.echo(f"{path}: {', '.join(parts)}")


def _summary(result: Transition) -> str:
    route = result.route
    way = " to ".join(route.groups)
    if len(route.legs) == 1:
        kept = f"every frame keeps {route.legs[0].common_group} (order {route.width})"
    else:
        kept = "frames keep " + ", then ".join(f"{leg.common_group} (order {leg.order})" for leg in route.legs)
    return f"{way}, {kept}; path length {result.path_length:.2f}, {result.nfe} evaluations"
