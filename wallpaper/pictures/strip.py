"""Many pictures on one sheet: strips of a transition, tiles of a matrix.

Knows nothing about patterns or files; text is drawn with Pillow's built-in font.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from wallpaper.pictures.colours import THEME, readable, rgb
from wallpaper.pictures.render import Picture


def spread(total: int, count: int) -> list[int]:
    """`count` indices of `total`, evenly spaced, the first and last among them; all if there are no more.

    >>> spread(50, 10)
    [0, 5, 11, 16, 22, 27, 33, 38, 44, 49]
    """
    if total < 1 or count < 1:
        raise ValueError(f"`total >= 1 and count >= 1` must hold, but got {total=}, {count=}")
    return [round(place) for place in np.linspace(0, total - 1, min(total, count)).tolist()]


def tile(
    pictures: Sequence[Picture | None], columns: int, *, gap: int = 4, background: str = THEME["background"]
) -> Picture:
    """The pictures row by row on one sheet, `gap` pixels between them and none around; None leaves a place free.

    Args:
        pictures: each (h, w, 3) uint8, all of one shape.
    Returns: (rows * (h + gap) - gap, columns * (w + gap) - gap, 3) uint8.
    Raises: ValueError: no picture, different shapes or dtypes, columns < 1 or gap < 0.
    """
    height, width = one_shape([picture for picture in pictures if picture is not None])
    if columns < 1 or gap < 0:
        raise ValueError(f"`columns >= 1 and gap >= 0` must hold, but got {columns=}, {gap=}")
    rows = math.ceil(len(pictures) / columns)
    sheet = np.empty((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), np.uint8)
    sheet[:] = rgb(background)
    for index, picture in enumerate(pictures):
        if picture is not None:
            top, left = index // columns * (height + gap), index % columns * (width + gap)
            sheet[top : top + height, left : left + width] = picture
    return sheet


def strip(
    frames: Sequence[Picture],
    columns: int = 10,
    *,
    gap: int = 8,
    background: str = THEME["card"],
    captions: Sequence[str] | None = None,
    ends: tuple[str, str] | None = None,
) -> Picture:
    """A sheet of frames with a margin of two gaps, captions under the frames and a heading above them.

    Args:
        frames: each (h, w, 3) uint8, all of one shape.
        captions: one under each frame, such as "0.25".
        ends: names of source and target, above the first and the last column; a group's in its own colour.
    Returns: (height, width, 3) uint8.
    Raises: ValueError: see `tile`; or not as many captions as frames.
    """
    height, width = one_shape(frames)
    if captions is not None and len(captions) != len(frames):
        raise ValueError(f"`len(captions) == len(frames)` must hold, but got {len(captions)} and {len(frames)}")
    columns = min(columns, len(frames))
    text = max(11, round(0.1 * min(width, 160)))
    below, above = (0 if captions is None else round(1.7 * text)), (0 if ends is None else round(2.2 * text))
    cell = [np.concatenate([frame, _blank(below, width, background)]) for frame in frames]
    sheet = tile(cell, columns, gap=gap, background=background)
    margin = 2 * gap
    canvas = np.pad(sheet, ((margin + above, max(margin - below // 3, 0)), (margin, margin), (0, 0)))
    canvas[_outside(canvas, sheet, margin + above, margin)] = rgb(background)
    image = Image.fromarray(canvas)
    draw = ImageDraw.Draw(image)
    if ends is not None:
        _heading(draw, ends, (margin, image.width - margin), margin + above / 2 - text / 4, round(1.3 * text))
    for index, caption in enumerate(captions or ()):
        x = margin + index % columns * (width + gap) + width / 2
        y = margin + above + index // columns * (height + below + gap) + height + below / 2
        draw.text((x, y), caption, fill=THEME["muted"], font=_font(text), anchor="mm")
    return np.asarray(image).copy()


def one_shape(pictures: Sequence[NDArray[np.generic]]) -> tuple[int, int]:
    """(height, width) of pictures that must all be uint8 (h, w, 3) of one shape. Raises: ValueError."""
    if not len(pictures):
        raise ValueError("there must be at least one picture, but got none")
    shapes = sorted({(*picture.shape, str(picture.dtype)) for picture in pictures}, key=str)
    shape = pictures[0].shape
    if len(shapes) > 1 or pictures[0].dtype != np.uint8 or len(shape) != 3 or shape[2] != 3:
        raise ValueError(f"pictures must all be uint8 (h, w, 3) of one shape, but got {shapes[:4]}")
    return shape[0], shape[1]


def _blank(height: int, width: int, colour: str) -> Picture:
    return np.broadcast_to(np.array(rgb(colour), np.uint8), (height, width, 3))


def _outside(canvas: Picture, inner: Picture, top: int, left: int) -> NDArray[np.bool_]:
    outside = np.ones(canvas.shape[:2], bool)
    outside[top : top + inner.shape[0], left : left + inner.shape[1]] = False
    return outside


def _heading(draw: ImageDraw.ImageDraw, ends: tuple[str, str], between: tuple[int, int], y: float, size: int) -> None:
    """The two names at the ends, an arrow from one to the other."""
    font = _font(size)
    for name, x, anchor in ((ends[0], between[0], "lm"), (ends[1], between[1], "rm")):
        draw.text((x, y), name, fill=readable(name), font=font, anchor=anchor)
    start = between[0] + draw.textlength(ends[0], font) + size
    end = between[1] - draw.textlength(ends[1], font) - size
    if end - start > 2 * size:
        draw.line((start, y, end, y), fill=THEME["muted"], width=1)
        draw.line((end - size / 3, y - size / 4, end, y, end - size / 3, y + size / 4), fill=THEME["muted"], width=1)


def _font(size: int) -> Any:
    return ImageFont.load_default(size=size)
