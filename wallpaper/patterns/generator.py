"""Patterns of the 17 groups: one conventional cell each, with exactly the symmetry it is labelled with.

A pattern is a function of group, seed and what the caller fixes; the side only changes its resolution. Palette, style,
lattice and shapes have streams of their own, so colours never depend on the group.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wallpaper.patterns.acceptance import find_fault
from wallpaper.patterns.designs import Design, compose
from wallpaper.patterns.frame import Frame
from wallpaper.patterns.painting import Threshold, find_thresholds, paint
from wallpaper.patterns.palettes import Palette, draw_palette
from wallpaper.patterns.style import Style, draw_style
from wallpaper.plane import Lattice, PlaneGroup, plane_group

REFERENCE_SIDE = 64
"""Side at which proportions are settled and designs accepted, whatever the side of the result."""

MOST_DRAWS = 60
"""Designs tried before giving up: nearly all are accepted within five."""


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """One cell of a pattern and how it was made."""

    pixels: NDArray[np.uint8]
    """(n, n, 3); entry [i, j] is the sample at i/n along a, j/n along b."""
    group: str
    lattice: Lattice
    motif_type: str
    complexity: int
    """1 (bold) to 5 (fine)."""
    motif_size: int
    """Spacing of motifs in pixels at side 256."""
    palette: str
    seed: int
    redraws: int
    """Designs refused before this one: too dull, or more symmetric than the group."""


def generate_pattern(
    group: str,
    seed: int,
    side: int = 256,
    *,
    motif_type: str | None = None,
    complexity: int | None = None,
    palette: str | None = None,
    lattice: Lattice | None = None,
) -> Pattern:
    """Draw a pattern. The same arguments give the same bytes; what is left out is drawn from the seed.

    Args:
        group: a group's short or full symbol.
        seed: not negative. The same seed gives all groups the same palette and style.
        side: samples along each axis, a multiple of 4, at least 16.
    Raises:
        ValueError: an unknown group, motif type or palette, a complexity outside 1..5, a side that does not fit, a
            negative seed, or a lattice that the group's system does not allow.
        RuntimeError: no acceptable design found, for example for p1 on a lattice with accidental symmetry.
    """
    plane = plane_group(group)
    _check(plane, seed, side, lattice)
    colours, look, cell, shapes = np.random.SeedSequence(seed).spawn(4)
    drawn_palette = draw_palette(np.random.default_rng(colours), palette)
    style = draw_style(np.random.default_rng(look), motif_type, complexity)
    drawn_lattice = Lattice.random(plane.system, np.random.default_rng(cell)) if lattice is None else lattice
    frame = Frame(plane, drawn_lattice, REFERENCE_SIDE)
    for redraws, stream in enumerate(shapes.spawn(MOST_DRAWS)):
        drawn = _draw_once(style, frame, drawn_palette, stream)
        if drawn is not None:
            pixels = _at_side(drawn, frame, drawn_palette, side)
            return Pattern(
                pixels, plane.name, drawn_lattice, style.motif_type, style.complexity, style.motif_size,
                drawn_palette.name, seed, redraws,
            )  # fmt: skip
    raise RuntimeError(
        f"no acceptable {plane.name} in {MOST_DRAWS} designs for {seed=}, {drawn_lattice}; use another seed"
    )


_Drawn = tuple[Design, tuple[Threshold, ...], NDArray[np.uint8]]


def _draw_once(style: Style, frame: Frame, palette: Palette, stream: np.random.SeedSequence) -> _Drawn | None:
    """A design with its thresholds and pixels on the reference frame, or None if it is not acceptable."""
    design = compose(style, frame, np.random.default_rng(stream))
    fields = [layer.fields(frame) for layer in design.layers]
    thresholds = find_thresholds(design, fields, frame)
    pixels = paint(design, fields, thresholds, palette, frame)
    return None if find_fault(pixels, frame.group, frame.lattice) else (design, thresholds, pixels)


def _at_side(drawn: _Drawn, reference: Frame, palette: Palette, side: int) -> NDArray[np.uint8]:
    design, thresholds, pixels = drawn
    if side == reference.side:
        return pixels
    frame = Frame(reference.group, reference.lattice, side)
    return paint(design, [layer.fields(frame) for layer in design.layers], thresholds, palette, frame)


def _check(group: PlaneGroup, seed: int, side: int, lattice: Lattice | None) -> None:
    if seed < 0:
        raise ValueError(f"`seed >= 0` must hold, but got {seed}")
    if side < 16 or side % 4:
        raise ValueError(f"`side >= 16 and side % 4 == 0` must hold for the symmetry to be exact, but got {side}")
    if lattice is not None and not lattice.meets(group.system):
        raise ValueError(f"{group.name} needs a {group.system} lattice, but got {lattice}")
