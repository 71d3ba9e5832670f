"""`wallpaper evaluate`: the figures of a trained model, printed and tracked.

Options and what is printed; `measuring` finds what is asked for and measures it.
"""

from __future__ import annotations

from pathlib import Path

import click

from wallpaper.cli.options import data_option
from wallpaper.cli.places import MODEL_HELP, VAE_RUNS


@click.command("evaluate")
@click.option("--model", default="", help=MODEL_HELP)
@click.option(
    "--vae",
    default="",
    metavar="RUN",
    help=f"A VAE alone: its folder, or its name below {VAE_RUNS}. [default: the newest, where there is no model]",
)
@data_option("Dataset to measure on.")
@click.option(
    "--split", type=click.Choice(["test", "val"]), default="test", show_default=True, help="Which part of it."
)
def evaluate(model: str, vae: str, data: Path, split: str) -> None:
    """Measure a trained model: reconstruction, exact symmetry of all 272 transitions, transport between groups.

    Prints one table with each figure beside its target, writes evaluation.json beside the model and records the
    figures in MLflow.

    \b
    Examples:
      wallpaper evaluate                           the newest model
      wallpaper evaluate --model shipped           the one that comes with the package
      wallpaper evaluate --vae 20260102-030405     a VAE alone, before its ODE is trained
    """
    if model and vae:
        raise click.UsageError("`--model` has a VAE of its own; give it or --vae, not both")
    from wallpaper.cli import measuring  # noqa: PLC0415 - takes seconds: no help or mistake waits for it
    from wallpaper.evaluation import table  # noqa: PLC0415 - as above

    folder = measuring.vae_folder(vae) if vae else measuring.model_or_vae(model)
    found, path = measuring.measure(folder, data, split)
    click.echo(f"{folder} on {split} of {data}\n\n{table(found)}\nAll figures: {path}")
