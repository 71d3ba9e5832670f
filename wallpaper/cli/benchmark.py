"""`wallpaper benchmark`: test pictures with certified truth, for any program that recognises plane groups.

Options and a progress bar around `wallpaper.pictures.benchmark`.
"""

from __future__ import annotations

from pathlib import Path

import click

from wallpaper.cli.output import Output
from wallpaper.cli.progress import bar


@click.command("benchmark")
@click.option(
    "-o",
    "--output",
    type=Output(folder=True),
    required=True,
    help="Folder to write; it appears when it is complete.",
)
@click.option(
    "--per-group",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Patterns of each of the 17 groups.",
)
@click.option(
    "--size", type=click.IntRange(min=32), default=256, show_default=True, help="Pixels along each side of a picture."
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Same seed and options, same files."
)
@click.option(
    "--noise",
    type=click.FloatRange(0, 1, min_open=True),
    multiple=True,
    metavar="SIGMA",
    help="A variant with Gaussian noise, as a share of full range. Can be repeated.",
)
@click.option(
    "--jpeg",
    type=click.IntRange(1, 100),
    multiple=True,
    metavar="QUALITY",
    help="A variant compressed as JPEG. Can be repeated.",
)
@click.option("--rotate", is_flag=True, help="A variant turned by any angle about any point.")
@click.option(
    "--pseudosymmetry",
    type=click.FloatRange(0.9, 0.99),
    multiple=True,
    metavar="STRENGTH",
    help="A variant whose strongest false operation correlates at STRENGTH, 0.9 to 0.99. Can be repeated.",
)
@click.option("--combine", is_flag=True, help="One more variant with the strongest of each disturbance at once.")
@click.option("--overwrite", is_flag=True, help="Replace a benchmark that is there.")
def benchmark(
    output: Path,
    per_group: int,
    size: int,
    seed: int,
    noise: tuple[float, ...],
    jpeg: tuple[int, ...],
    rotate: bool,
    pseudosymmetry: tuple[float, ...],
    combine: bool,
    overwrite: bool,
) -> None:
    """Write test pictures of all 17 groups whose truth is certified: group, cell in pixels, origin, every operation.

    A folder `clean`, and one for each disturbance asked for; all show the same patterns. manifest.jsonl and README.md
    in the folder say what is what.

    \b
    Examples:
      wallpaper benchmark -o bench --per-group 50 --rotate --noise 0.05 --jpeg 70
      wallpaper benchmark -o hard --rotate --noise 0.1 --jpeg 40 --pseudosymmetry 0.97 --combine
    """
    from wallpaper.pictures import benchmark as made  # noqa: PLC0415 - takes seconds: help does not wait

    wanted = made.variants(noise, jpeg, rotate, pseudosymmetry, combine)
    with bar("drawing", "pictures") as move:
        count = made.make_benchmark(output, per_group, wanted, size=size, seed=seed, overwrite=overwrite, progress=move)
    click.echo(f"{count} pictures in {output}: {', '.join(variant.name for variant in wanted)}")
    click.echo(f"Truth: {output / made.MANIFEST}. Try: wallpaper identify {output / wanted[-1].name}")
