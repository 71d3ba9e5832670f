"""Where commands keep and find things by default: all below the folder they are called in.

Paths only; nothing is created here. The model that comes with the package is the last resort.
"""

from __future__ import annotations

from pathlib import Path

from wallpaper.model_files import DESCRIPTION

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

NAME = "wallpaper-transition"
"""Of the registered model."""

CHAMPION = f"models:/{NAME}@champion"

AUTO = "auto"
"""Of the aliases: champion for the first version, else challenger."""

SHIPPED, SHIPPED_NAME = Path(__file__).parents[1] / "shipped", "shipped"
"""The trained model that is part of the package, and the name that chooses it."""


_NEWEST = "[default: the newest below output/, else shipped]"

MODEL_HELP = f"Folder of a trained model or run, or shipped. {_NEWEST}"
ANY_MODEL_HELP = f"Folder of a trained model or run, shipped, models:/NAME@ALIAS or models:/NAME/VERSION. {_NEWEST}"


def dataset(data: Path) -> Path:
    """`data`; but the demonstration's dataset if that is the default and there is none."""
    return DEMO_DATA if data == DATA and not data.exists() and DEMO_DATA.is_file() else data


def model_folder(given: str | None) -> Path:
    """The transition model to use: a model's or a run's folder; the newest below `OUTPUT`, else the shipped, if None.

    Raises: FileNotFoundError: none there, with the commands that make one.
    """
    if given is None:
        found = [*ODE_RUNS.glob(f"*/{MODEL}/{DESCRIPTION}"), *DEMO.glob(f"{MODEL}/{DESCRIPTION}")]
        return max(found, key=lambda path: path.stat().st_mtime).parent if found else SHIPPED
    if given == SHIPPED_NAME and not Path(given).exists():
        return SHIPPED
    for folder in (Path(given), Path(given) / MODEL):
        if (folder / DESCRIPTION).is_file():
            return folder
    raise FileNotFoundError(
        f"`--model {given}` must be a folder with {DESCRIPTION}, a run's folder with {MODEL}/ in it, or {SHIPPED_NAME} "
        "for the model that comes with the package; `wallpaper demo` makes one in ten minutes to half an hour"
    )
