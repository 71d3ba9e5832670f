"""Pictures made fit for an overlay, and the strip below that says what its symbols mean.

Small cells are enlarged, and where there are very many the middle is cut out. Knows nothing of how the group was found.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from wallpaper.pictures.colours import rgb
from wallpaper.pictures.overlay import CENTRE, EDGE, GLIDE, MIRROR, Pen, symbol
from wallpaper.pictures.placement import Placement
from wallpaper.pictures.render import Picture
from wallpaper.pictures.shapes import Polygon, lay_over, segment
from wallpaper.plane import Op
from wallpaper.plane.elements import Elements, symmetry_elements

GROUND = "#f4f4f2"
"""Colour of the strip, on which black symbols stand as they are printed."""

LEGIBLE_CELL = 140.0
"""Pixels along the square root of a cell's area that all symbols of p6m need."""

LARGEST_SIDE = 2048
"""Pixels beyond which a picture is not enlarged."""

MOST_CELLS = 8.0
"""Cells across which are kept of a picture that cannot be enlarged enough."""


def legible(picture: Picture, placement: Placement) -> tuple[Picture, Placement]:
    """The picture, enlarged by a whole factor if its cells are small, and cut to the middle if they are very many.

    Args: picture: (h, w, 3) uint8.
    Returns: (h', w', 3) uint8, and the lattice's place in it.
    """
    cell = math.sqrt(abs(np.linalg.det(placement.basis)))
    if cell * max(1, LARGEST_SIDE // max(picture.shape[:2])) < LEGIBLE_CELL / 1.5:
        picture, placement = _middle(picture, placement, math.ceil(MOST_CELLS * cell))
    factor = max(1, min(math.ceil(LEGIBLE_CELL / cell), LARGEST_SIDE // max(picture.shape[:2])))
    if factor == 1:
        return picture, placement
    height, width = picture.shape[:2]
    larger = Image.fromarray(picture).resize((factor * width, factor * height), Image.Resampling.BICUBIC)
    return np.asarray(larger), Placement(factor * placement.basis, factor * (placement.origin + 0.5) - 0.5)


def with_legend(picture: Picture, operations: Iterable[Op], text: str) -> Picture:
    """The picture with a strip below: `text`, and each symbol that is in use with its number in a cell.

    Args: picture: (h, w, 3) uint8.
    Returns: (h + strip, w, 3) uint8; on two lines where the picture is narrow, cut off where it is narrower still.
    """
    elements = symmetry_elements(operations)
    size = max(12, round(min(picture.shape[:2]) / 44))
    font, line, width = ImageFont.load_default(size=size), round(2.1 * size), picture.shape[1]
    needed = font.getlength(text) + sum(font.getlength(words) + 5 * size for _, words in _entries(elements))
    lines = 1 if needed + size < width else 2
    strip = Image.new("RGB", (width, lines * line), rgb(GROUND))
    draw, marks = ImageDraw.Draw(strip), list[Polygon]()
    draw.text((size, line / 2), text, fill=CENTRE, font=font, anchor="lm")
    x, y = (size, 1.4 * line) if lines == 2 else (font.getlength(text) + 3 * size, line / 2)
    for kind, words in _entries(elements):
        marks += _mark(kind, np.array([x + size, y]), size)
        draw.text((x + 2.3 * size, y), words, fill=CENTRE, font=font, anchor="lm")
        x += 4 * size + font.getlength(words)
    return np.concatenate([picture, lay_over(np.asarray(strip), marks)])


def _middle(picture: Picture, placement: Placement, side: int) -> tuple[Picture, Placement]:
    """At most `side` pixels each way, about the picture's centre."""
    top, left = (max(0, (length - side) // 2) for length in picture.shape[:2])
    part = picture[top : top + side, left : left + side]
    return part, Placement(placement.basis, placement.origin - np.array([left, top]))


def _entries(elements: Elements) -> Iterator[tuple[int | str, str]]:
    """What is in use: an order or a colour of line, and its words."""
    for order, count in sorted(Counter(centre.order for centre in elements.centres).items()):
        yield order, f"{order}-fold: {count}"
    for colour, lines, word in ((MIRROR, elements.mirrors, "mirror"), (GLIDE, elements.glides, "glide")):
        if lines:
            yield colour, f"{word}: {len(lines)}"


def _mark(kind: int | str, at: np.ndarray[tuple[int], np.dtype[np.float64]], size: int) -> Iterable[Polygon]:
    """A centre's symbol, or a piece of a line."""
    pen = Pen(line=size / 5, symbol=size / 2.6, edge=size / 10)
    if isinstance(kind, int):
        return symbol(kind, at, math.pi / 4 if kind == 4 else -math.pi / 2, pen)
    reach = np.array([size, 0.0])
    parts = [(-1.0, 1.0)] if kind == MIRROR else [(-1.0, -0.35), (0.0, 0.65)]
    grounds = [segment(at + low * reach, at + high * reach, size / 2.4, (*rgb(EDGE), 255)) for low, high in parts]
    return [
        *grounds,
        *(segment(at + low * reach, at + high * reach, size / 5, (*rgb(kind), 255)) for low, high in parts),
    ]
