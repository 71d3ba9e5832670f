"""A transition's symmetry spectrum and latent path as drawings whose colours are the page's.

SVG text of own making: numbers and names of groups, nothing that comes from a store. The page lays its cursors over
them, so places are returned beside the drawings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from wallpaper.symmetry import Spectrum

LOWEST = -0.2
"""Correlations below are drawn there."""

ROLE_WORDS = {
    "common": "kept all the way",
    "source": "of the source",
    "target": "of the target",
    "waypoint": "only on the way",
    "neither": "of neither group",
}

WIDTH, HEIGHT, MARGIN = 240, 168, 22


def spectrum_drawing(spectrum: Spectrum) -> str:
    """A line for each operation, 1 at the top; stretched to any box, so it holds no text but titles."""
    parts = [
        '<svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">',
        *(f'<line class="wp-grid" x1="0" x2="100" y1="{_height(y):.2f}" y2="{_height(y):.2f}"/>' for y in (0, 0.5, 1)),
    ]
    order = sorted(range(len(spectrum.lines)), key=lambda k: spectrum.lines[k].role == "common")
    for k in order:
        line = spectrum.lines[k]
        points = " ".join(
            f"{100 * time:.2f},{_height(value):.2f}"
            for time, value in zip(spectrum.times.tolist(), spectrum.correlations[k].tolist(), strict=True)
        )
        parts.append(
            f'<polyline class="wp-role-{line.role}" points="{points}"><title>{escape(line.label)}</title></polyline>'
        )
    return "".join((*parts, "</svg>"))


def spectrum_legend(spectrum: Spectrum) -> list[tuple[str, str]]:
    """Role and words of each kind of operation that is drawn."""
    counts = Counter[str](line.role for line in spectrum.lines)
    return [(role, f"{counts[role]} {words}") for role, words in ROLE_WORDS.items() if counts[role]]


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """A latent path drawn in its own two principal axes."""

    drawing: str
    places: tuple[tuple[float, float], ...]
    """Of every frame, as shares of the drawing's width and height."""
    share: float
    """Of the path's variance that the two axes show."""


def way_drawing(latents: NDArray[np.floating], source: str, target: str, stops: Sequence[int]) -> Way:
    """Draw a latent path (T, d): the way, the straight line beside it, and a dot at each of `stops`."""
    flat, share = principal_plane(latents)
    low, high = flat.min(axis=0), flat.max(axis=0)
    scale = min((WIDTH - 2 * MARGIN) / max(high[0] - low[0], 1e-9), (HEIGHT - 2 * MARGIN) / max(high[1] - low[1], 1e-9))
    middle = np.array([WIDTH, HEIGHT]) / 2
    places = middle + (flat - (low + high) / 2) * scale * np.array([1, -1])
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places.tolist())
    (x0, y0), (x1, y1) = places[0].tolist(), places[-1].tolist()
    dots = "".join(
        f'<circle class="wp-way-stop" cx="{places[k, 0]:.1f}" cy="{places[k, 1]:.1f}" r="2.6"/>' for k in stops
    )
    drawing = (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">'
        f'<line class="wp-way-straight" x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}"/>'
        f'<polyline class="wp-way" points="{points}"/>{dots}{_name(source, x0, y0)}{_name(target, x1, y1)}</svg>'
    )
    return Way(drawing, tuple((x / WIDTH, y / HEIGHT) for x, y in places.tolist()), share)


def principal_plane(latents: NDArray[np.floating]) -> tuple[NDArray[np.float64], float]:
    """(T, 2) coordinates along the two principal axes, the source at the left; and the share of variance in them."""
    points = np.asarray(latents, np.float64)
    centred = points - points.mean(axis=0)
    if centred.shape[1] == 1:
        centred = np.pad(centred, ((0, 0), (0, 1)))
    _, values, axes = np.linalg.svd(centred, full_matrices=False)
    flat = centred @ axes[:2].T
    if flat.shape[1] == 1:
        flat = np.pad(flat, ((0, 0), (0, 1)))
    signs = np.where(flat[-1] < flat[0], -1.0, 1.0)
    total = float((values**2).sum())
    return flat * signs, float((values[:2] ** 2).sum()) / total if total > 0 else 1.0


def _name(name: str, x: float, y: float) -> str:
    above = y > HEIGHT / 2
    return f'<text x="{x:.1f}" y="{y - 8 if above else y + 16:.1f}" text-anchor="middle">{escape(name)}</text>'


def _height(correlation: float) -> float:
    return 4 + 92 * (1 - max(correlation, LOWEST)) / (1 - LOWEST)
