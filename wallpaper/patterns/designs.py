"""From a style to a design: motifs with outlines, insets, echoes and accents, or textures that fill the plane.

The composers of textures are in `textures`; the parts of a design are in `design`.
"""

from __future__ import annotations

import math

import numpy as np

from wallpaper.patterns.design import Design, Level
from wallpaper.patterns.frame import Frame
from wallpaper.patterns.layers import BlobLayer, Layer, MotifLayer
from wallpaper.patterns.motifs import Field, Motif, draw_numbers
from wallpaper.patterns.placement import (
    Spot,
    distances_to,
    motif_pitch,
    orbit_points,
    rosettes,
    scatter,
    settle,
)
from wallpaper.patterns.style import Style
from wallpaper.patterns.textures import compose_ribbons, compose_voronoi, compose_waves


def compose(style: Style, frame: Frame, generator: np.random.Generator) -> Design:
    """Draw a design of a style on a lattice for a group.

    Args:
        frame: decides proportions only (quantiles, emptiest places); the design is valid at every side.
    """
    return _COMPOSERS.get(style.motif_type, _compose_shapes)(style, frame, generator)


def _compose_shapes(style: Style, frame: Frame, generator: np.random.Generator) -> Design:
    spots = _spots(style, frame, generator)
    layers: list[Layer] = [
        MotifLayer(_motifs(style.motif_type, spots, style.motifs, _LENGTHS[style.motif_type], generator))
    ]
    levels = _surroundings(style)
    if style.companion:
        small = scatter(frame, style.motifs, generator)
        layers.append(MotifLayer(_motifs(style.companion, small, style.motifs, 0.34, generator)))
        levels.append(Level(1, 0, 0.14, "accent"))
    if style.outline:
        levels.append(Level(0, 0, style.area + style.outline, style.outline_role))
    levels.append(Level(0, 0, style.area, "primary"))
    if style.shaded:
        levels.append(Level(0, 0, style.area * 0.5, "glow", style.area * 0.8))
    if style.inset:
        role = "tone" if style.outline_role == "secondary" else "secondary"
        levels.append(Level(0, 0, style.area * style.inset, role))
    levels.append(Level(0, 1, style.area * 0.3, "accent" if style.inset else "secondary"))
    return _with_accents(style, frame, generator, Design("ground", tuple(layers), tuple(levels)))


def _compose_blobs(style: Style, frame: Frame, generator: np.random.Generator) -> Design:
    spots = _spots(style, frame, generator)
    layer = BlobLayer(_motifs("gaussian", spots, style.motifs, 0.85, generator))
    blend = 0.16 if style.soft else 0.0
    levels = [*_surroundings(style)]
    if style.outline:
        levels.append(Level(0, 0, style.area + style.outline, style.outline_role))
    levels.append(Level(0, 0, style.area, "primary"))
    levels.append(Level(0, 0, style.area * 0.55, "secondary", blend * 0.8))
    levels.append(Level(0, 1, style.area * 0.22, "accent", blend * 0.3))
    return _with_accents(style, frame, generator, Design("ground", (layer,), tuple(levels)))


_COMPOSERS = {
    "gaussian": _compose_blobs,
    "wave": compose_waves,
    "ribbon": compose_ribbons,
    "voronoi": compose_voronoi,
}

_LENGTHS = {"polygon": 0.78, "petal": 0.78, "stroke": 0.56, "blossom": 0.66, "leaf": 0.8}
"""Half-length of each kind of motif in spacings: strokes curl, so they need less to fill the same room."""

WIDEST_HOLE = 1.15
"""Distance from the nearest motif's centre, in spacings, above which a place gets a motif of its own."""

_GRID = 20
"""Places a side among which the emptiest is looked for."""


def _surroundings(style: Style) -> list[Level]:
    """What lies around the motif: a second ground, and echoes of the contour."""
    levels = []
    outer = style.area + style.outline
    if style.aura and style.soft and not style.echoes:
        levels.append(Level(0, 0, 0.5 + 0.5 * outer, "tone", 0.9 * (1 - outer)))
    elif style.aura:
        levels.append(Level(0, 0, outer + style.aura, "tone"))
    for echo in range(style.echoes, 0, -1):
        levels.append(Level(0, 0, outer + 0.13 * echo + 0.055, "secondary"))
        levels.append(Level(0, 0, outer + 0.13 * echo, "tone" if style.aura else "ground"))
    return levels


def _spots(style: Style, frame: Frame, generator: np.random.Generator) -> list[Spot]:
    place = rosettes if style.gathered else scatter
    spots = place(frame, style.motifs, generator)
    return spots + _fillers(style, frame, spots, generator)


def _fillers(style: Style, frame: Frame, spots: list[Spot], generator: np.random.Generator) -> list[Spot]:
    """Motifs for the widest holes, so that no band or corner of the cell stays empty."""
    pitch = motif_pitch(style.motifs)
    x, y = (axis.reshape(-1) / _GRID for axis in np.indices((_GRID, _GRID)))
    places = np.stack([x, y], axis=1)
    occupied = np.concatenate([orbit_points(frame, spot.centre) for spot in spots])
    room = distances_to(frame, places, occupied)
    added: list[Spot] = []
    while room.max() > WIDEST_HOLE * pitch and len(added) < 4:
        place = places[int(np.argmax(room))]
        centre = settle(frame, (float(place[0]), float(place[1])), 0.8 * pitch)
        added.append(Spot(centre, generator.uniform(0, 2 * math.pi), min(1.2, float(room.max()) / pitch * 0.8)))
        room = np.minimum(room, distances_to(frame, places, orbit_points(frame, centre)))
    return added


def _motifs(
    shape: str, spots: list[Spot], target: float, length: float, generator: np.random.Generator
) -> tuple[Motif, ...]:
    """One family of motifs: the same shape with small differences, `length` pitches long each way."""
    size = length * motif_pitch(target)
    kinds = [draw_numbers(shape, generator) for _ in range(2)]
    return tuple(
        Motif(shape, spot.centre, spot.angle, size * spot.scale, kinds[int(generator.random() < 0.3)]) for spot in spots
    )


def _with_accents(style: Style, frame: Frame, generator: np.random.Generator, design: Design) -> Design:
    """Add dots where the motifs leave most room."""
    if not style.accents:
        return design
    body = design.layers[0].fields(frame)[0]
    numbers = draw_numbers(style.accent_shape, generator)
    dots = _dots_in_gaps(frame, body, max(2.0, style.motifs / 3), style.accent_shape, numbers)
    index = len(design.layers)
    levels = [Level(index, 0, style.accents, "accent")]
    if style.ringed:
        levels.append(Level(index, 0, style.accents * 0.35, "ground"))
    return Design(design.base, (*design.layers, MotifLayer(dots)), (*design.levels, *levels))


def _dots_in_gaps(
    frame: Frame, body: Field, target: float, shape: str, numbers: tuple[float, ...]
) -> tuple[Motif, ...]:
    """Small motifs at the emptiest places, one after the other, about `target` in the cell."""
    first = frame.table.first
    size = 0.3 * motif_pitch(3 * target)
    dots: list[Motif] = []
    room, count = body.copy(), 0
    while count < target and len(dots) < 6:
        sample = int(first[int(np.argmin(room))])
        centre = settle(frame, (sample // frame.side / frame.side, sample % frame.side / frame.side), 2.6 * size)
        dots.append(Motif(shape, centre, 0.0, size, numbers))
        count += len(orbit_points(frame, centre))
        near = MotifLayer((Motif("dot", centre, 0.0, 0.02, ()),)).fields(frame)[0]
        room = np.maximum(room, room.max() * (near > -3 * size) + room.min() * (near <= -3 * size))
    return tuple(dots)
