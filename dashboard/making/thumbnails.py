"""Small pictures of the samples that are packed with a model, to choose one to start at.

Knows no page and no model.
"""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.making.transitions import jpeg
from wallpaper.data.samples import Samples
from wallpaper.pictures.render import render

SIZE, CELLS = 96, 1.6


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """One sample."""

    sample: str
    """Its id."""
    picture: bytes
    """JPEG, `SIZE` pixels along each side."""


def thumbnails(samples: Samples, group: str) -> list[Thumbnail]:
    """Of the samples of a group. Blocks."""
    return [
        Thumbnail(name, jpeg(render(each.pixels, each.lattice, size=SIZE, cells=CELLS)))
        for name, each in samples.by_id.items()
        if each.group == group
    ]
