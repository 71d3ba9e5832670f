"""From a style to a design: layers of symmetric fields, and levels that say which share of the cell each colour takes.

Levels are shares of area, not heights: a field's threshold is the quantile that gives the share, so all groups get the
same shares. A design holds numbers only and can be drawn at any resolution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from wallpaper.patterns.frame import Frame
from wallpaper.patterns.layers import BlobLayer, Layer, MotifLayer, VoronoiLayer, WaveLayer
from wallpaper.patterns.motifs import Field, Motif, draw_numbers
from wallpaper.patterns.placement import (
    Spot,
    motif_pitch,
    orbit_points,
    rosettes,
    scatter,
    settle,
    special_sites,
    spread_points,
)
from wallpaper.patterns.style import Style
from wallpaper.plane import DEN


@dataclass(frozen=True, slots=True)
class Level:
    """Where field `field` of layer `layer` is among its highest `share` of the cell, the colour is `role`."""

    layer: int
    field: int
    share: float
    role: str
    blend: float = 0.0
    """Share of the cell over which the colour fades in; 0 for a crisp edge."""


@dataclass(frozen=True, slots=True)
class Design:
    """Layers, and levels in the order in which they cover each other, on a plain ground."""

    base: str
    layers: tuple[Layer, ...]
    levels: tuple[Level, ...]


def compose(style: Style, frame: Frame, generator: np.random.Generator) -> Design:
    """Draw a design of a style on a lattice for a group.

    Args:
        frame: decides proportions only (quantiles, emptiest places); the design is valid at every side.
    """
    if style.motif_type == "wave":
        return _compose_waves(style, frame, generator)
    if style.motif_type == "voronoi":
        return _compose_voronoi(style, frame, generator)
    if style.motif_type == "gaussian":
        return _compose_blobs(style, frame, generator)
    return _compose_shapes(style, frame, generator)


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
    if style.inset:
        levels.append(
            Level(0, 0, style.area * style.inset, "tone" if style.outline_role == "secondary" else "secondary")
        )
    levels.append(Level(0, 1, style.area * 0.3, "accent" if style.inset else "secondary"))
    return _with_accents(style, frame, Design("ground", tuple(layers), tuple(levels)))


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
    return _with_accents(style, frame, Design("ground", (layer,), tuple(levels)))


def _compose_waves(style: Style, frame: Frame, generator: np.random.Generator) -> Design:
    cycles = 0.62 / motif_pitch(style.motifs)
    waves = _draw_waves(frame, 7, cycles, 0.45, generator)
    bends = _draw_waves(frame, 7, 1.3, 0.5, generator)
    strengths = generator.uniform(0.0, 1.1, 7)
    bends = tuple((*bend[:3], float(b)) for bend, b in zip(bends, strengths, strict=True))
    roles = _WAVE_ROLES[min(style.complexity - 1, 3)]
    first = 0.86 if style.aura else 0.8
    shares = np.linspace(first, 0.12, len(roles))
    levels = []
    for share, role in zip(shares, roles, strict=True):
        if style.outline and role == "primary":
            levels.append(Level(0, 0, float(share) + 0.055, style.outline_role))
        levels.append(Level(0, 0, float(share), role, 0.12 if style.soft and role == "tone" else 0.0))
    return Design("ground", (WaveLayer(waves, bends),), tuple(levels))


def _compose_voronoi(style: Style, frame: Frame, generator: np.random.Generator) -> Design:
    order = len(frame.group.operations)
    second = _family_centre(frame, generator)
    taken = orbit_points(frame, second)
    points = [tuple(p) for p in taken.tolist()]
    wanted = max(style.motifs * 0.35, 1)
    while len(points) + order <= wanted:
        fresh, taken = spread_points(frame, 1, generator, taken)
        points += [tuple(p) for p in orbit_points(frame, fresh[0]).tolist()]
    chosen, _ = spread_points(frame, max(1, round(0.65 * style.motifs / order)), generator, taken)
    clump = 0.4 * motif_pitch(style.motifs)
    first = [tuple(p) for point in chosen for p in orbit_points(frame, settle(frame, point, clump)).tolist()]
    layer = VoronoiLayer(tuple(first), tuple(points))
    balance = _quantile(layer.fields(frame)[1], frame, 0.42)
    layer = replace(layer, head_start=-balance)
    seam = "ground" if style.gathered else "tone"
    levels = [Level(0, 1, 0.42, "secondary")]
    if style.aura:
        levels.insert(0, Level(0, 2, 0.5, "tone" if seam == "ground" else "ground", 0.1 if style.soft else 0.0))
    if style.accents:
        levels.append(Level(0, 2, 2.4 * style.accents, "accent"))
        if style.ringed:
            levels.append(Level(0, 2, 0.8 * style.accents, "primary"))
    if style.inset:
        levels.append(Level(0, 0, 0.34, "accent" if not style.accents else "tone"))
    levels.append(Level(0, 0, 0.2, seam))
    return Design("primary", (layer,), tuple(levels))


_LENGTHS = {"polygon": 0.78, "petal": 0.78, "stroke": 0.56}
"""Half-length of each kind of motif in spacings: strokes curl, so they need less to fill the same room."""

_WAVE_ROLES = (
    ("tone", "primary", "secondary"),
    ("tone", "primary", "accent", "secondary"),
    ("tone", "primary", "ground", "secondary", "accent"),
    ("tone", "primary", "ground", "secondary", "ground", "accent"),
)


def _surroundings(style: Style) -> list[Level]:
    """What lies around the motif: a second ground, and echoes of the contour."""
    levels = []
    if style.aura:
        levels.append(Level(0, 0, style.area + style.outline + style.aura, "tone"))
    outer = style.area + style.outline
    for echo in range(style.echoes, 0, -1):
        levels.append(Level(0, 0, outer + 0.13 * echo + 0.055, "secondary"))
        levels.append(Level(0, 0, outer + 0.13 * echo, "tone" if style.aura else "ground"))
    return levels


def _spots(style: Style, frame: Frame, generator: np.random.Generator) -> list[Spot]:
    place = rosettes if style.gathered else scatter
    return place(frame, style.motifs, generator)


def _motifs(
    shape: str, spots: list[Spot], target: float, length: float, generator: np.random.Generator
) -> tuple[Motif, ...]:
    """One family of motifs: the same shape with small differences, `length` pitches long each way."""
    size = length * motif_pitch(target)
    kinds = [draw_numbers(shape, generator) for _ in range(2)]
    return tuple(
        Motif(shape, spot.centre, spot.angle, size * spot.scale, kinds[int(generator.random() < 0.3)]) for spot in spots
    )


def _with_accents(style: Style, frame: Frame, design: Design) -> Design:
    """Add dots where the motifs leave most room."""
    if not style.accents:
        return design
    body = design.layers[0].fields(frame)[0]
    dots = _dots_in_gaps(frame, body, max(2.0, style.motifs / 3))
    index = len(design.layers)
    levels = [Level(index, 0, style.accents, "accent")]
    if style.ringed:
        levels.append(Level(index, 0, style.accents * 0.35, "ground"))
    return Design(design.base, (*design.layers, MotifLayer(dots)), (*design.levels, *levels))


def _dots_in_gaps(frame: Frame, body: Field, target: float) -> tuple[Motif, ...]:
    """Dots at the emptiest places, one after the other, about `target` in the cell."""
    first = frame.table.first
    size = 0.3 * motif_pitch(3 * target)
    dots: list[Motif] = []
    room, count = body.copy(), 0
    while count < target and len(dots) < 6:
        sample = int(first[int(np.argmin(room))])
        centre = settle(frame, (sample // frame.side / frame.side, sample % frame.side / frame.side), 2.6 * size)
        dots.append(Motif("dot", centre, 0.0, size, ()))
        count += len(orbit_points(frame, centre))
        near = MotifLayer((replace(dots[-1], size=0.02),)).fields(frame)[0]
        room = np.maximum(room, room.max() * (near > -3 * size) + room.min() * (near <= -3 * size))
    return tuple(dots)


def _draw_waves(
    frame: Frame, count: int, cycles: float, spread: float, generator: np.random.Generator
) -> tuple[tuple[int, int, float, float], ...]:
    """Lattice waves with about `cycles` periods per sqrt(cell area), in every direction alike."""
    vectors = [k for k in product(range(-8, 9), repeat=2) if k != (0, 0)]
    lengths = np.array([math.sqrt(np.array(k) @ frame.inverse_metric @ np.array(k)) for k in vectors])
    weights = np.exp(-(((lengths - cycles) / spread) ** 2)) + 1e-9
    chosen = generator.choice(len(vectors), size=count, p=weights / weights.sum())
    return tuple((*vectors[m], float(generator.random()), float(generator.uniform(0.4, 1.0))) for m in chosen)


def _family_centre(frame: Frame, generator: np.random.Generator) -> tuple[float, float]:
    """A special position for the second family of cells, or any point if the group has none."""
    sites = special_sites(frame.group.name)
    if not sites:
        x, y = generator.random(2)
        return (float(x), float(y))
    weights = np.array([float(fixed) for _, fixed in sites])
    (x, y), _ = sites[int(generator.choice(len(sites), p=weights / weights.sum()))]
    return (x / DEN, y / DEN)


def _quantile(values: Field, frame: Frame, share: float) -> float:
    """The value that the highest `share` of all samples exceed."""
    return float(np.quantile(values[frame.table.orbit], 1 - share))
