"""What a training leaves every few epochs, below its files, and what of it can be read as data.

Names of files and what is in them; reads none itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.store import File
from wallpaper.epoch_pictures.places import VISUALIZATIONS, epoch_of

LATENT_DATA, LATENT_PICTURE = "latent_space.json", "latent_space.png"

LATENT_PATTERNS = f"{VISUALIZATIONS}/latent_patterns.jpg"
"""The patterns behind all epochs' points, as one sheet of tiles."""

ROWS, TILES, ROWS_PICTURE = "reconstructions.json", "reconstruction_tiles.png", "reconstructions.png"


def epochs_of(files: Sequence[File]) -> list[int]:
    """The epochs that have pictures, ascending. Args: files: what lies below `VISUALIZATIONS`."""
    numbers = (epoch_of(each.path) for each in files if each.is_folder)
    return sorted(number for number in numbers if number is not None)


def names_in(files: Sequence[File]) -> set[str]:
    """File names without their folder."""
    return {each.path.rsplit("/", 1)[-1] for each in files if not each.is_folder}
