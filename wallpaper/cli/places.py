"""Where commands keep and find things by default: all below the folder they are called in.

Paths only; nothing is created here.
"""

from __future__ import annotations

from pathlib import Path

from wallpaper.models.transition_model import DESCRIPTION

DATA = Path("data/patterns.h5")
OUTPUT = Path("output")
VAE_RUNS = OUTPUT / "vae"
ODE_RUNS = OUTPUT / "ode"
DEMO = OUTPUT / "demo"
DEMO_DATA, DEMO_VAE = DEMO / "patterns.h5", DEMO / "vae"
"""What commands fall back on where there is no dataset or VAE of one's own."""

PER_GROUP = 300
"""Patterns of each group in a dataset nobody said the size of: with fewer, the preset laptop learns them by heart."""

MODEL = "model"
"""Folder of the transition model inside a run's folder."""

CHAMPION = "models:/wallpaper-transition@champion"


def dataset(data: Path) -> Path:
    """`data`; but the demonstration's dataset if that is the default and there is none."""
    return DEMO_DATA if data == DATA and not data.exists() and DEMO_DATA.is_file() else data


def model_folder(given: str | None) -> Path:
    """The transition model to use: a model's or a run's folder; the newest one below `OUTPUT` if None.

    Raises: FileNotFoundError: none there, with the commands that make one.
    """
    if given is None:
        found = [*ODE_RUNS.glob(f"*/{MODEL}/{DESCRIPTION}"), *DEMO.glob(f"{MODEL}/{DESCRIPTION}")]
        if not found:
            raise FileNotFoundError(
                f"no trained model below {OUTPUT}/; make one with `wallpaper demo` (minutes), or with "
                "`wallpaper generate`, `wallpaper train-vae` and `wallpaper train-ode`; or name one with --model"
            )
        return max(found, key=lambda path: path.stat().st_mtime).parent
    for folder in (Path(given), Path(given) / MODEL):
        if (folder / DESCRIPTION).is_file():
            return folder
    raise FileNotFoundError(
        f"`--model {given}` must be a folder with {DESCRIPTION}, or a run's folder with {MODEL}/ in it"
    )
