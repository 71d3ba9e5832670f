"""A lattice's cell and symmetry elements drawn on a picture, with the symbols of International Tables A (2016), 2.1.2.

Rotation centres are filled: a rhombus for order 2, triangle 3, square 4, hexagon 6. Mirrors are solid lines, glides
dashed; one cell is outlined. Everything is light-edged, so that it shows on any colours. It only needs to know where
the cell lies, so it serves pictures rendered here and pictures analysed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from wallpaper.pictures.colours import rgb
from wallpaper.pictures.placement import Placement, place
from wallpaper.pictures.render import Picture, picture_scale, render
from wallpaper.pictures.shapes import Polygon, lay_over, segment
from wallpaper.plane import Lattice, Op
from wallpaper.plane.elements import Centre, Elements, Line, symmetry_elements

Vector = NDArray[np.float64]
Box = tuple[float, float, float, float]

MIRROR, GLIDE, CENTRE, CELL, EDGE = "#d4145a", "#1d4ed8", "#16161d", "#ffd93d", "#ffffff"

AROUND = 0.4
"""Opacity outside the outlined cell: enough to see how the elements go on, and the pattern shows through."""

CORNERS = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])

SMALLEST_CELL = 12.0
"""Pixels along the square root of a cell's area below which symbols would cover each other."""


@dataclass(frozen=True, slots=True)
class Pen:
    """Sizes in pixels, chosen for the cell and the picture."""

    line: float
    symbol: float
    edge: float


def pen_for(shape: tuple[int, int], placement: Placement) -> Pen:
    """Sizes that stay legible: they follow the cell, within limits that follow the picture (height, width)."""
    cell = math.sqrt(abs(np.linalg.det(placement.basis)))
    unit = max(1.0, min(shape) / 640)
    line = min(max(cell / 75, 1.0 * unit), 2.4 * unit)
    symbol = min(max(cell / 17, 3.2 * unit), 11 * unit)
    return Pen(line, symbol, max(0.7 * line, 0.9 * unit))


def overlay(picture: Picture, placement: Placement, operations: Iterable[Op], *, around: float = AROUND) -> Picture:
    """The picture with the symmetry elements of `operations` and the outline of one cell.

    Args:
        picture: (h, w, 3) uint8.
        placement: where the cell of the operations lies in it.
        operations: a group modulo the cell's translations, such as `plane_group("p4m").operations`.
        around: opacity of the elements outside the outlined cell, in [0, 1].
    Returns: a new (h, w, 3) uint8.
    Raises: ValueError: another shape, the operations form no group, or the cell is smaller than `SMALLEST_CELL`.
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise ValueError(f"a picture must be uint8 (h, w, 3), but got {picture.dtype} {picture.shape}")
    side = math.sqrt(abs(np.linalg.det(placement.basis)))
    if side < SMALLEST_CELL:
        raise ValueError(f"a cell must measure {SMALLEST_CELL:g} pixels to be drawn on, but got {side:.1f}; enlarge it")
    shape, elements = picture.shape[:2], symmetry_elements(operations)
    pen = pen_for(shape, placement)
    outline = placement.pixels(chosen_cell(shape, placement) + CORNERS)
    drawn = lay_over(picture, _polygons(_box(shape, pen.symbol), outline, placement, elements, pen))
    return drawn if around == 1 else _focused(picture, drawn, outline, around, 2 * pen.symbol)


def render_with_elements(
    pattern: NDArray[np.generic],
    lattice: Lattice,
    operations: Iterable[Op],
    *,
    size: int = 512,
    cells: float = 3.0,
    rotation: float = 0.0,
    centre: tuple[float, float] = (0.0, 0.0),
    around: float = AROUND,
) -> Picture:
    """The picture (size, size, 3) that `render` makes of the pattern, with the elements of `operations` over it."""
    picture = render(pattern, lattice, size=size, cells=cells, rotation=rotation, centre=centre)
    placement = place(lattice, size, picture_scale([lattice], size, cells), rotation, centre)
    return overlay(picture, placement, operations, around=around)


def _focused(picture: Picture, drawn: Picture, outline: Vector, around: float, margin: float) -> Picture:
    """`drawn` inside the outline and `margin` pixels about it; elsewhere only the share `around` of it."""
    size = (picture.shape[1], picture.shape[0])
    mask = Image.new("L", size)
    pen = ImageDraw.Draw(mask)
    corners = [(x, y) for x, y in outline.tolist()]
    pen.polygon(corners, fill=255)
    pen.line([*corners, *corners[:2]], fill=255, width=round(margin), joint="curve")
    whole = Image.fromarray(drawn)
    faint = Image.blend(Image.fromarray(picture), whole, around)
    return np.asarray(Image.composite(whole, faint, mask))


def _polygons(box: Box, outline: Vector, placement: Placement, elements: Elements, pen: Pen) -> list[Polygon]:
    """Everything to draw, lowest first: the cell, edges of lines, lines, centres."""
    lines = (*elements.glides, *elements.mirrors)
    strokes = [(line, stroke) for line in lines for stroke in _strokes(line, placement, box, pen)]
    edges = [segment(*_longer(stroke, pen.edge), pen.line + 2 * pen.edge, (*rgb(EDGE), 255)) for _, stroke in strokes]
    inks = [segment(*s, pen.line, (*rgb(GLIDE if line.glide else MIRROR), 255)) for line, s in strokes]
    symbols = [_symbol(c, at, elements, placement, pen) for c in elements.centres for at in _seen(c, placement, box)]
    return [*_outline(outline, pen), *edges, *inks, *(polygon for pair in symbols for polygon in pair)]


def chosen_cell(shape: tuple[int, int], placement: Placement) -> Vector:
    """(2,) whole fractional coordinates of the outlined cell's corner: near the middle, and in view if one is."""
    height, width = shape
    middle = np.array([width - 1, height - 1]) / 2
    start = np.floor(placement.fractional(middle))
    candidates = [start + np.array([i, j]) for i in (-1, 0, 1) for j in (-1, 0, 1)]

    def badness(corner: Vector) -> tuple[float, float]:
        corners = placement.pixels(corner + CORNERS) - middle
        outside = np.maximum(np.abs(corners) - middle, 0).max()
        return float(round(outside, 6)), float(np.hypot(*corners.mean(axis=0)))

    return min(candidates, key=badness)


def _outline(corners: Vector, pen: Pen) -> Iterator[Polygon]:
    """The cell's border, a light band on a dark one: it shows on any ground, and beside a line that lies on it."""
    inner = 2 * pen.line + 2 * pen.edge
    for width, colour in ((inner + 1.1 * pen.line, CENTRE), (inner, CELL)):
        for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            yield segment(*_longer((start, end), width / 2), width, (*rgb(colour), 255))


def _box(shape: tuple[int, int], margin: float) -> Box:
    """(left, top, right, bottom) a little beyond the picture."""
    return -margin, -margin, shape[1] - 1 + margin, shape[0] - 1 + margin


def _corners(box: Box) -> Vector:
    left, top, right, bottom = box
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])


def _seen(centre: Centre, placement: Placement, box: Box) -> Iterator[Vector]:
    """Pixels of the centre and its translates inside the box."""
    view = placement.fractional(_corners(box))
    point = np.array(centre.point, dtype=np.float64)
    low, high = np.ceil(view.min(axis=0) - point), np.floor(view.max(axis=0) - point)
    for i in np.arange(low[0], high[0] + 1):
        for j in np.arange(low[1], high[1] + 1):
            at = placement.pixels(point + np.array([i, j]))
            if box[0] <= at[0] <= box[2] and box[1] <= at[1] <= box[3]:
                yield at


def _strokes(line: Line, placement: Placement, box: Box, pen: Pen) -> Iterator[tuple[Vector, Vector]]:
    """Start and end pixels of the line's translates in the box, cut into dashes if it is a glide."""
    step = _unit_step(line)
    across = placement.fractional(_corners(box)) @ np.array(line.normal) - float(line.offset)
    along = placement.basis @ np.array(line.direction, dtype=np.float64)
    for k in range(math.ceil(across.min()), math.floor(across.max()) + 1):
        start = placement.pixels(step * (float(line.offset) + k))
        inside = _inside(start, along, box)
        if inside is None:
            continue
        for low, high in _dashes(line, inside, float(np.hypot(*along)), pen):
            yield start + low * along, start + high * along


def _unit_step(line: Line) -> Vector:
    """(2,) the small whole-number vector t with p t_x + q t_y = 1: from a line to its next translate."""
    p, q = line.normal
    reach = range(-abs(q) - 1, abs(q) + 2)
    steps = [(x, (1 - p * x) // q) for x in reach if (1 - p * x) % q == 0] if q else [(p, 0)]
    return np.array(min(steps, key=lambda t: (abs(t[0]) + abs(t[1]), t)), dtype=np.float64)


def _inside(start: Vector, along: Vector, box: Box) -> tuple[float, float] | None:
    """The range of s for which start + s along lies in the box (Liang & Barsky 1984)."""
    low, high = -math.inf, math.inf
    for axis in (0, 1):
        first, last = box[axis] - start[axis], box[axis + 2] - start[axis]
        if abs(along[axis]) < 1e-9:
            if not first <= 0 <= last:
                return None
            continue
        ends = sorted((first / along[axis], last / along[axis]))
        low, high = max(low, ends[0]), min(high, ends[1])
    return (low, high) if low < high else None


def _dashes(line: Line, inside: tuple[float, float], length: float, pen: Pen) -> Iterator[tuple[float, float]]:
    """The parts drawn, in multiples of `direction`, of pixel length `length`.

    A whole number of dashes fits the glide vector, so that the dashes have the symmetry they stand for.
    """
    low, high = inside
    if not line.glide:
        yield low, high
        return
    glide = float(line.glide)
    period = glide / max(1, round(glide * length / (7.5 * pen.line + 2 * pen.edge)))
    for k in range(math.floor(low / period), math.ceil(high / period) + 1):
        start, end = max((k - 0.28) * period, low), min((k + 0.28) * period, high)
        if start < end:
            yield start, end


def _longer(stroke: tuple[Vector, Vector], by: float) -> tuple[Vector, Vector]:
    """The stroke with `by` pixels more at both ends."""
    start, end = stroke
    more = (end - start) / (float(np.hypot(*(end - start))) or 1.0) * by
    return start - more, end + more


_SYMBOLS = {2: (1.28, 0.66), 3: (1.32,), 4: (1.22,), 6: (1.18,)}
"""By order: distances of the corners from the centre, taken in turn; a rhombus has two."""


def _symbol(centre: Centre, at: Vector, elements: Elements, placement: Placement, pen: Pen) -> tuple[Polygon, Polygon]:
    """The centre's symbol with a corner along a mirror through it, or as the axis a lies if there is none."""
    through = next((line.direction for line in elements.mirrors if line.passes(centre.point)), None)
    along = placement.basis @ np.array(through or (1, 0), dtype=np.float64)
    angle = math.atan2(along[1], along[0]) + (0 if through else -math.pi / 2)
    return symbol(centre.order, at, angle + (math.pi / 4 if centre.order == 4 else 0), pen)


def symbol(order: int, at: Vector, angle: float, pen: Pen) -> tuple[Polygon, Polygon]:
    """The light edge and the filled symbol of a rotation centre at pixel `at`, a corner in direction `angle`."""
    count = 3 if order == 3 else max(4, order)
    radii = np.resize(_SYMBOLS[order], count) * pen.symbol
    angles = angle + 2 * math.pi / count * np.arange(count)
    corners = radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    (x, y), (u, v) = corners[0], corners[1]
    nearest = abs(x * v - y * u) / math.hypot(u - x, v - y)  # the centre's distance from a side
    larger = corners * (1 + pen.edge / nearest)
    return Polygon(at + larger, (*rgb(EDGE), 255)), Polygon(at + corners, (*rgb(CENTRE), 255))
