"""What the demonstrations that `wallpaper demo` knows are made of.

Figures and names alone; `demonstration` goes by them.
"""

from __future__ import annotations

from dataclasses import dataclass

from wallpaper.cli.places import AUTO, PER_GROUP


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """What the demonstration is made of."""

    per_group: int
    preset: str
    alias: str
    """Of the registered model; auto is champion if there is none yet. What hardly trained must not be champion."""
    seed: int = 0


PRESETS = {"laptop": DemoSettings(PER_GROUP, "laptop", AUTO), "smoke": DemoSettings(14, "smoke", "smoke")}
