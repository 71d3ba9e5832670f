"""What `analyse` says of a picture: a certificate with the lattice's place in it, or why there is none.

Plain values. Places are in pixels, x = column to the right and y = row downwards, pixel centres at whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wallpaper.judge.certificate import Certificate

Problem: TypeAlias = Literal["no contrast", "no lattice found", "less than one whole cell"]

ADVICE: dict[Problem, str] = {
    "no contrast": "The picture is one flat colour; give one with a visible pattern.",
    "no lattice found": "Nothing repeats in two directions; show at least two periods each way, flat and in focus.",
    "less than one whole cell": "The picture does not show a whole unit cell; show at least two periods each way.",
}


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """The judgement of one picture; `certificate`, `basis`, `origin` and `cell` are None if there is a `problem`."""

    size: tuple[int, int]
    """Height and width in pixels."""
    certificate: Certificate | None = None
    problem: Problem | None = None
    basis: NDArray[np.float64] | None = None
    """(2, 2) the conventional cell of the standard setting: columns a and b, each (x, y) in pixels, y downwards."""
    origin: NDArray[np.float64] | None = None
    """(2,) pixel (x, y) of the standard setting's origin nearest to the picture's centre."""
    cell: NDArray[np.float32] | None = None
    """(n, n, C) mean of all cells in the standard setting, in [0, 1]; [i, j] is sampled at i/n along a, j/n along b."""
    cells_in_view: float = 0.0
    """Conventional cells that the picture's area holds."""

    @property
    def advice(self) -> str | None:
        """What to do about the problem."""
        return None if self.problem is None else ADVICE[self.problem]

    def to_dict(self) -> dict[str, Any]:
        """Everything but the cell's samples, in types that JSON knows."""
        return {
            "size": list(self.size),
            "problem": self.problem,
            "advice": self.advice,
            "basis": None if self.basis is None else self.basis.tolist(),
            "origin": None if self.origin is None else self.origin.tolist(),
            "cells_in_view": self.cells_in_view,
            "certificate": None if self.certificate is None else self.certificate.to_dict(),
        }
