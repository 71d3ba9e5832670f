"""What a training leaves every few epochs, below its files, and what of it can be read as data.

Names of files and what is in them; reads none itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dashboard.store import File

VISUALIZATIONS = "visualizations"

LATENT_DATA, LATENT_PICTURE = "latent_space.json", "latent_space.png"

LATENT_PATTERNS = f"{VISUALIZATIONS}/latent_patterns.jpg"
"""The patterns behind all epochs' points, as one sheet of tiles."""

ROWS, TILES, ROWS_PICTURE = "reconstructions.json", "reconstruction_tiles.png", "reconstructions.png"


def epochs_of(files: Sequence[File]) -> list[int]:
    """The epochs that have pictures, ascending. Args: files: what lies below `VISUALIZATIONS`."""
    matches = (re.fullmatch(rf"{VISUALIZATIONS}/epoch_(\d+)", each.path) for each in files if each.is_folder)
    return sorted(int(match[1]) for match in matches if match)


def folder_of(epoch: int) -> str:
    """Where an epoch's files lie.

    >>> folder_of(5)
    'visualizations/epoch_005'
    """
    return f"{VISUALIZATIONS}/epoch_{epoch:03d}"


def names_in(files: Sequence[File]) -> set[str]:
    """File names without their folder."""
    return {each.path.rsplit("/", 1)[-1] for each in files if not each.is_folder}
