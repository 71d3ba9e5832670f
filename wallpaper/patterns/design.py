"""What a design is: layers of symmetric fields, and levels that say which share of the cell each colour takes.

Levels are shares of area, not heights: a field's threshold is the quantile that gives the share, so all groups get the
same shares. A design holds numbers only and can be drawn at any resolution.
"""

from __future__ import annotations

from dataclasses import dataclass

from wallpaper.patterns.layers import Layer


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
