"""A pattern as an SVG drawing: its cell as a `<pattern>` that fills any area, laid out by the lattice.

The cell is an embedded PNG in lattice coordinates; `patternTransform` gives it its true angle. It reaches a few
samples beyond the cell on every side, so that no edge of it is ever drawn and no hairline shows between cells.
"""

from __future__ import annotations

import base64
import io
import math
import os
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wallpaper.pictures.files import replacing
from wallpaper.pictures.kernel import refine
from wallpaper.pictures.render import picture_scale, unit_pixels
from wallpaper.plane import Lattice

LEAST_SAMPLES = 512
"""Samples along a side of the embedded cell: fewer are refined, so that what enlarges them need not be clever."""

MARGIN = 4
"""Samples by which the embedded cell reaches beyond the period."""


def pattern_svg(
    pattern: NDArray[np.generic], lattice: Lattice, *, size: int = 768, cells: float = 4.0, title: str = ""
) -> str:
    """The text of an SVG drawing of (size, size) pixels with about `cells` cells across.

    The pattern's origin is the centre and a lies along x, as in `render`.

    Args: pattern: one cell, as `render` takes it. title: what a viewer shows as the drawing's name.
    Raises: ValueError: size < 1, cells not positive, or see `unit_pixels`.
    """
    if size < 1:
        raise ValueError(f"`size >= 1` must hold, but got {size}")
    pixels = unit_pixels(pattern)
    pixels = refine(pixels, lattice, math.ceil(LEAST_SAMPLES / pixels.shape[0]))
    side = pixels.shape[0]
    step = picture_scale([lattice], size, cells) / side
    (ax, bx), (ay, by) = (lattice.basis * step).tolist()
    matrix = " ".join(f"{value:.9g}" for value in (ax, -ay, bx, -by, size / 2, size / 2))
    around, start = side + 2 * MARGIN, -MARGIN - 0.5  # a sample is the middle of its square
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" viewBox="0 0 {size} {size}">
<title>{escape(title or "pattern")}</title>
<defs>
<pattern id="cell" patternUnits="userSpaceOnUse" width="{side}" height="{side}" patternTransform="matrix({matrix})">
<image x="{start}" y="{start}" width="{around}" height="{around}" preserveAspectRatio="none" href="{_data(pixels)}"/>
</pattern>
</defs>
<rect width="{size}" height="{size}" fill="url(#cell)"/>
</svg>
"""


def write_svg(
    path: str | os.PathLike[str],
    pattern: NDArray[np.generic],
    lattice: Lattice,
    *,
    size: int = 768,
    cells: float = 4.0,
    title: str = "",
) -> None:
    """`pattern_svg` as a file that is whole or absent. Raises: ValueError: see there."""
    text = pattern_svg(pattern, lattice, size=size, cells=cells, title=title)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _data(pixels: NDArray[np.floating]) -> str:
    """A data URL of the cell with its margin; columns run along a, rows along b."""
    drawn = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8).transpose(1, 0, 2)
    padded = np.pad(drawn, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), mode="wrap")
    stream = io.BytesIO()
    Image.fromarray(padded).save(stream, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
