"""Patterns of the 17 groups: one conventional cell each, with exactly the symmetry it is labelled with.

A pattern is a function of group, seed, side and what the caller fixes; the side changes its resolution, and hardly ever
which design the judge accepts. Palette, style, lattice and shapes have streams of their own, so colours never depend
on the group.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wallpaper.patterns.acceptance import FAULTS, certify, find_dullness
from wallpaper.patterns.designs import compose
from wallpaper.patterns.frame import Frame
from wallpaper.patterns.painting import depths, find_thresholds, paint
from wallpaper.patterns.palettes import Palette, draw_palette
from wallpaper.patterns.style import Style, draw_style
from wallpaper.plane import Lattice, PlaneGroup, plane_group

REFERENCE_SIDE = 64
"""Side at which proportions are settled and dull designs refused, whatever the side of the result."""

GENERATOR_VERSION = 2
"""Counts changes of what the same arguments give, so that datasets made before one are not taken for the same."""

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
    """Designs refused before this one."""
    refused: tuple[int, ...] = (0,) * len(FAULTS)
    """How many of them for each of `FAULTS`."""
    weakest_true: float = math.nan
    """Least correlation of the group's operations, as the judge measured it; NaN if it was not asked."""
    strongest_false: float = math.nan
    """Largest correlation of what the group must not have, as the judge measured it; NaN if it was not asked."""


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
    """Draw a pattern and have it certified. The same arguments give the same bytes; what is left out follows the seed.

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
    reference = Frame(plane, drawn_lattice, REFERENCE_SIDE)
    refused = Counter[str]()
    for _ in range(MOST_DRAWS):
        pixels, fault = _draw_once(style, reference, drawn_palette, shapes.spawn(1)[0], side)
        if fault is None:
            certificate, fault = certify(pixels, plane, drawn_lattice)
        if fault is None:
            return Pattern(
                pixels, plane.name, drawn_lattice, style.motif_type, style.complexity, style.motif_size,
                drawn_palette.name, seed, refused.total(), tuple(refused[name] for name in FAULTS),
                certificate.weakest_true, certificate.strongest_false,
            )  # fmt: skip
        refused[fault] += 1
    raise RuntimeError(
        f"no acceptable {plane.name} in {MOST_DRAWS} designs for {seed=}, {drawn_lattice}; use another seed"
    )


def _draw_once(
    style: Style, reference: Frame, palette: Palette, stream: np.random.SeedSequence, side: int
) -> tuple[NDArray[np.uint8], str | None]:
    """A design's pixels at a side; those at the reference side, with the fault, if it is dull."""
    design = compose(style, reference, np.random.default_rng(stream))
    fields = [layer.fields(reference) for layer in design.layers]
    thresholds = find_thresholds(design, fields, reference)
    pixels = paint(design, fields, thresholds, palette, reference)
    fault = find_dullness(pixels)
    if fault is not None or side == reference.side:
        return pixels, fault
    frame = Frame(reference.group, reference.lattice, side)
    needed = zip(design.layers, depths(design, thresholds, side), strict=True)
    return paint(design, [layer.fields(frame, depth) for layer, depth in needed], thresholds, palette, frame), None


def _check(group: PlaneGroup, seed: int, side: int, lattice: Lattice | None) -> None:
    if seed < 0:
        raise ValueError(f"`seed >= 0` must hold, but got {seed}")
    if side < 16 or side % 4:
        raise ValueError(f"`side >= 16 and side % 4 == 0` must hold for the symmetry to be exact, but got {side}")
    if lattice is not None and not lattice.meets(group.system):
        raise ValueError(f"{group.name} needs a {group.system} lattice, but got {lattice}")
