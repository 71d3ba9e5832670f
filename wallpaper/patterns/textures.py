"""Designs that fill the plane: bands of waves, winding ribbons, and Voronoi cells of two families.

Their shapes come from one field over the whole cell, so there are no motifs to place but the Voronoi points.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np

from wallpaper.patterns.design import Design, Level
from wallpaper.patterns.frame import Frame
from wallpaper.patterns.layers import VoronoiLayer, WaveLayer
from wallpaper.patterns.motifs import Field
from wallpaper.patterns.placement import motif_pitch, orbit_points, settle, special_sites, spread_points
from wallpaper.patterns.style import Style
from wallpaper.plane import DEN


def compose_waves(style: Style, frame: Frame, generator: np.random.Generator) -> Design:
    """Smooth relief in bands of colour."""
    layer = _wave_layer(style, frame, 0.62, generator)
    roles = _WAVE_ROLES[min(style.complexity - 1, 3)]
    first = 0.86 if style.aura else 0.8
    shares = np.linspace(first, 0.12, len(roles))
    levels = []
    for share, role in zip(shares, roles, strict=True):
        if style.outline and role == "primary":
            levels.append(Level(0, 0, float(share) + 0.055, style.outline_role))
        levels.append(Level(0, 0, float(share), role, 0.12 if style.soft and role == "tone" else 0.0))
    return Design("ground", (layer,), tuple(levels))


def compose_ribbons(style: Style, frame: Frame, generator: np.random.Generator) -> Design:
    """Winding ribbons of even width, with the regions between them in two colours."""
    layer = _wave_layer(style, frame, 0.66, generator)
    width, fade = 0.75 * style.area, 0.1 if style.soft else 0.0
    high, low = (0.3, 0.17) if style.gathered else (0.17, 0.3)
    levels = [Level(0, 0, 0.5, "tone"), Level(0, 0, high, "accent", fade), Level(0, 1, low, "secondary", fade)]
    if style.accents:
        levels.append(Level(0, 0, 0.35 * high, "ground"))
    if style.outline or not style.inset:
        levels.append(Level(0, 2, width + (style.outline or 0.09), "ground"))
    levels.append(Level(0, 2, width, "primary"))
    if style.shaded:
        levels.append(Level(0, 2, 0.5 * width, "glow", 0.8 * width))
    if style.inset:
        levels.append(
            Level(0, 2, width * 0.8 * style.inset, "tone" if style.outline_role == "secondary" else "secondary")
        )
    return Design("ground", (layer,), tuple(levels))


def _wave_layer(style: Style, frame: Frame, density: float, generator: np.random.Generator) -> WaveLayer:
    """Seven waves with `density` periods per motif's room, each bent by another."""
    waves = _draw_waves(frame, 7, density / motif_pitch(style.motifs), 0.45, generator)
    bends = _draw_waves(frame, 7, 1.3, 0.5, generator)
    strengths = generator.uniform(0.0, 1.1, 7)
    return WaveLayer(waves, tuple((*bend[:3], float(b)) for bend, b in zip(bends, strengths, strict=True)))


def compose_voronoi(style: Style, frame: Frame, generator: np.random.Generator) -> Design:
    """Cells around two families of points, leaded like glass."""
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
    layer = VoronoiLayer(tuple(first), tuple(points)).with_reach(frame)
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


_WAVE_VECTORS = np.array([k for k in product(range(-8, 9), repeat=2) if k != (0, 0)])

_WAVE_ROLES = (
    ("tone", "primary", "secondary"),
    ("tone", "primary", "accent", "secondary"),
    ("tone", "primary", "ground", "secondary", "accent"),
    ("tone", "primary", "ground", "secondary", "ground", "accent"),
)


def _draw_waves(
    frame: Frame, count: int, cycles: float, spread: float, generator: np.random.Generator
) -> tuple[tuple[int, int, float, float], ...]:
    """Lattice waves with about `cycles` periods per sqrt(cell area), in every direction alike."""
    lengths = np.sqrt(np.einsum("ni,ij,nj->n", _WAVE_VECTORS, frame.inverse_metric, _WAVE_VECTORS))
    weights = np.exp(-(((lengths - cycles) / spread) ** 2)) + 1e-9
    chosen = generator.choice(len(lengths), size=count, p=weights / weights.sum())
    vectors = _WAVE_VECTORS[chosen].tolist()
    return tuple((k, m, float(generator.random()), float(generator.uniform(0.4, 1.0))) for k, m in vectors)


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
