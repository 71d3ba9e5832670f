"""What a design is to look like, drawn from its own stream before any group is known.

Area shares, densities and ornaments of a style are the same whichever group the design then gets, so neither
colours nor their shares tell the group.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MOTIF_TYPES: tuple[str, ...] = (
    "gaussian",
    "polygon",
    "stroke",
    "petal",
    "blossom",
    "leaf",
    "wave",
    "ribbon",
    "voronoi",
)

COMPLEXITIES = (1, 2, 3, 4, 5)

_COMPLEXITY_SHARES = (0.36, 0.36, 0.18, 0.07, 0.03)
"""Bold shapes mostly: they are what reads from afar and what a small model learns."""

_MOTIF_SIZES = ((86, 112), (72, 92), (58, 76), (50, 60), (44, 52))
"""Range of the motif size for each complexity, in pixels at side 256."""


@dataclass(frozen=True, slots=True)
class Style:
    """One design's look, free of group, lattice and colours."""

    motif_type: str
    complexity: int
    motif_size: int
    """Spacing of motifs in pixels at side 256, for the square root of the cell's area."""
    area: float
    """Share of the cell that the main motif covers."""
    gathered: bool
    """Motifs stand in rosettes, not spread."""
    aura: float
    """Share of the cell that a second ground adds around the motif; 0 for none."""
    outline: float
    """Share that an outline adds around the motif; 0 for none."""
    outline_role: str
    inset: float
    """Share of the motif's area inside an inner contour; 0 for none."""
    accents: float
    """Share of the cell for dots in the empty places; 0 for none."""
    ringed: bool
    """Accents have a middle of another colour."""
    accent_shape: str
    companion: str
    """Shape of smaller motifs behind the main ones; empty for none."""
    echoes: int
    """Number of contour lines around the motif."""
    shaded: bool
    """The motif's colour turns into its neighbour towards the middle."""
    soft: bool
    """Wide, blended edges where the motif type has them."""

    @property
    def motifs(self) -> float:
        """Number of motifs that fill a cell at this size."""
        return (256 / self.motif_size) ** 2


def draw_style(generator: np.random.Generator, motif_type: str | None = None, complexity: int | None = None) -> Style:
    """Draw a style; what is given is kept, and the other draws do not change with it.

    Raises: ValueError: unknown motif type, or complexity outside 1..5.
    """
    draw = generator.uniform
    drawn_type = str(generator.choice(MOTIF_TYPES))
    drawn_complexity = int(generator.choice(COMPLEXITIES, p=_COMPLEXITY_SHARES))
    motif_type = drawn_type if motif_type is None else motif_type
    complexity = drawn_complexity if complexity is None else complexity
    if motif_type not in MOTIF_TYPES:
        raise ValueError(f"unknown motif type {motif_type!r}; one of {', '.join(MOTIF_TYPES)}")
    if complexity not in COMPLEXITIES:
        raise ValueError(f"`complexity in 1..5` must hold, but got {complexity}")
    low, high = _MOTIF_SIZES[complexity - 1]
    size = round(draw(low, high))
    chance = generator.random(10)
    companion, layered = str(generator.choice(("petal", "stroke", "dot", "leaf"))), complexity >= 3
    return Style(
        motif_type=motif_type,
        complexity=complexity,
        motif_size=size,
        area=draw(0.32, 0.46),
        gathered=bool(chance[0] < 0.5),
        aura=draw(0.16, 0.26) if chance[1] < 0.6 else 0.0,
        outline=draw(0.07, 0.12) if chance[2] < 0.65 else 0.0,
        outline_role=str(generator.choice(("secondary", "accent", "ground"))),
        inset=draw(0.3, 0.5) if chance[3] < 0.35 + 0.1 * complexity else 0.0,
        accents=draw(0.04, 0.075) if chance[4] < 0.7 else 0.0,
        ringed=bool(chance[5] < 0.5),
        accent_shape=str(generator.choice(("dot", "dot", "blossom", "polygon"))),
        companion=companion if layered and chance[6] < 0.5 else "",
        echoes=2 if layered and chance[6] >= 0.5 and chance[7] < 0.6 and complexity == 3 else 0,
        shaded=bool(chance[9] < 0.45),
        soft=bool(chance[8] < 0.5),
    )
