"""A transition as a strip of few small pictures: what a pair of the matrix shows when it is pointed at.

Knows no page.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dashboard.making.transitions import jpeg
from wallpaper.models.transition_model import TransitionModel
from wallpaper.transition import pictures, transition_from_seed

PICTURES, CELL, CELLS = 5, 84, 1.6
"""How many, pixels along each side of one, and primitive cells across it, about."""


@dataclass(frozen=True, slots=True)
class Film:
    """What all previews of a matrix have in common."""

    model: str
    """Its key."""
    seed: int
    route: str


def strip(model: TransitionModel, film: Film, source: str, target: str) -> bytes:
    """JPEG, from the generator's pattern of the seed to its end at the right. Blocks for a second.

    Raises: ValueError: a route of more legs than there are pictures.
    """
    result = transition_from_seed(model, source, target, seed=film.seed, n_frames=PICTURES, route=film.route)
    return jpeg(np.hstack(pictures(result, size=CELL, cells=CELLS)))
