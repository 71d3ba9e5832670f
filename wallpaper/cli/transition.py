"""`wallpaper transition`: one transition as an animation or a strip.

Options around `wallpaper.transition`; everything drawn is drawn by `wallpaper.pictures`.
"""

from __future__ import annotations

from pathlib import Path

import click

from wallpaper.cli.places import model_folder
from wallpaper.models.transition_model import TransitionModel
from wallpaper.pictures.animation import write_animation, write_png
from wallpaper.plane import plane_group
from wallpaper.transition import pictures, transition_from_seed

SUFFIXES = (".gif", ".mp4", ".png")


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
@click.option("--model", default=None, help="Folder of a trained model or run. [default: the newest below output/]")
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
def transition(
    source: str,
    target: str,
    output: Path | None,
    frames: Path | None,
    n_frames: int,
    seed: int,
    model: str | None,
    size: int,
    cells: float,
    duration: float,
) -> None:
    """Turn a pattern of group SOURCE into group TARGET and write what it looks like.

    Groups: p1 p2 pm pg cm pmm pmg pgg cmm p4 p4m p4g p3 p3m1 p31m p6 p6m. Every frame keeps the common subgroup
    of both exactly; the first has exactly SOURCE, the last exactly TARGET.

    \b
    Examples:
      wallpaper transition p1 p6m -o p1_p6m.gif
      wallpaper transition cmm p4m -o strip.png --seed 7
    """
    first, last = plane_group(source).name, plane_group(target).name
    output = output or Path(f"{first}_to_{last}.gif")
    if output.suffix.lower() not in SUFFIXES:
        raise click.BadParameter(f"must end in {', '.join(SUFFIXES)}, but got {str(output)!r}", param_hint="'--output'")
    loaded = TransitionModel.load(model_folder(model))
    result = transition_from_seed(loaded, first, last, seed=seed, n_frames=n_frames)
    drawn = pictures(result, size=size, cells=cells)
    write_animation(output, drawn, duration_s=duration)
    if frames is not None:
        for number, picture in enumerate(drawn):
            write_png(frames / f"{number:03d}.png", picture)
    common = f"every frame keeps {result.alignment.common_group} (order {result.alignment.order})"
    click.echo(f"{output}: {first} to {last}, {common}; path length {result.path_length:.2f}, {result.nfe} evaluations")
    if frames is not None:
        click.echo(f"{frames}/: {len(drawn)} frames")
