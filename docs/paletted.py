"""Writes pictures of the documents small: PNG with a palette, as wide as a page shows them.

Used by the scripts beside it that make pictures.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

IMAGES = Path(__file__).parent / "images"


def save(name: str, pixels: np.ndarray, width: int) -> None:
    """Write a PNG of 256 colours, `width` pixels wide."""
    picture = Image.fromarray(pixels)
    picture = picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)
    picture.quantize(256, dither=Image.Dither.NONE).save(IMAGES / name, optimize=True)
