"""Colours of the interface, and a mark, colour and shape, for each group.

`THEME` and `GROUP_COLOURS` came first. Their greens and purples cannot be told apart in a
scatter, so `MARKS` adds 17 marks for that: shape by rotation order, colours within a shape at least 0.09
apart in OKLab for normal, deuteranopic, protanopic and tritanopic sight, contrast >= 3.4 on `card`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from wallpaper.plane import PLANE_GROUPS

Shape: TypeAlias = Literal["circle", "diamond", "triangle", "square", "hexagon"]

THEME: dict[str, str] = {
    "background": "#0a0a0a",
    "card": "#1a1a1a",
    "line": "#2c2c2c",
    "text": "#f2f2f2",
    "muted": "#a3a3a3",
    "primary": "#4ecdc4",
    "secondary": "#ff6b6b",
    "accent": "#ffd93d",
    "oblique": "#2980b9",
    "rectangular": "#27ae60",
    "square": "#8e44ad",
    "hexagonal": "#e74c3c",
    "loss_total": "#4ecdc4",
    "loss_endpoint": "#ff6b6b",
    "loss_smooth": "#ffd93d",
    "loss_velocity": "#a29bfe",
}
"""Dark; `muted` has a contrast of 6.9 on `card`."""

GROUP_COLOURS: dict[str, str] = {
    "p1": "#1a5276",
    "p2": "#2980b9",
    "pm": "#27ae60",
    "pg": "#2ecc71",
    "cm": "#58d68d",
    "pmm": "#145a32",
    "pmg": "#196f3d",
    "pgg": "#1d8348",
    "cmm": "#239b56",
    "p4": "#6c3483",
    "p4m": "#8e44ad",
    "p4g": "#a569bd",
    "p3": "#b9770e",
    "p3m1": "#d68910",
    "p31m": "#f39c12",
    "p6": "#c0392b",
    "p6m": "#e74c3c",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """How a group's points are drawn: colour as #rrggbb, shape by its rotation order."""

    colour: str
    shape: Shape


SHAPES: dict[int, Shape] = {1: "circle", 2: "diamond", 3: "triangle", 4: "square", 6: "hexagon"}
"""By rotation order; from 2 on they resemble the symbols of International Tables A, 2.1.2."""

_MARK_COLOURS = {
    "p1": "#148a78",
    "pm": "#1db6a5",
    "pg": "#25e4d6",
    "cm": "#b8fefa",
    "p2": "#a4690c",
    "pmm": "#c18711",
    "pmg": "#dea805",
    "pgg": "#f4cb38",
    "cmm": "#fff19d",
    "p3": "#c13d65",
    "p3m1": "#fc7182",
    "p31m": "#fdc9c4",
    "p4": "#4c6cd1",
    "p4m": "#8b9bfe",
    "p4g": "#cdd0ff",
    "p6": "#59aa0a",
    "p6m": "#75f97f",
}

MARKS: dict[str, Mark] = {
    name: Mark(_MARK_COLOURS[name], SHAPES[group.rotation_order]) for name, group in PLANE_GROUPS.items()
}
"""By group name, in the order of the groups' indices."""

BY_ROTATION: tuple[str, ...] = tuple(
    sorted(PLANE_GROUPS, key=lambda name: (PLANE_GROUPS[name].rotation_order, PLANE_GROUPS[name].index))
)
"""The groups' names by rotation order, then index: the order of a matrix's rows, which shows kinship."""


def readable(name: str) -> str:
    """The colour in which to write a group's name on `card`: its mark's, lightened to a contrast of 4.5.

    4.5 is what WCAG 2.2 asks of text (success criterion 1.4.3). Any other name gets the plain text colour.
    """
    if name not in MARKS:
        return THEME["text"]
    colour = MARKS[name].colour
    while contrast(colour, THEME["card"]) < 4.5:
        colour = "#" + "".join(f"{part + (255 - part) // 8:02x}" for part in rgb(colour))
    return colour


def contrast(first: str, second: str) -> float:
    """WCAG 2.2 contrast ratio of two colours #rrggbb, from 1 to 21.

    >>> round(contrast("#000000", "#ffffff"))
    21
    """
    low, high = sorted((_luminance(first), _luminance(second)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    """Relative luminance of an sRGB colour (IEC 61966-2-1)."""
    parts = (value / 255 for value in rgb(colour))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def rgb(colour: str) -> tuple[int, int, int]:
    """(red, green, blue) 0-255 of #rrggbb. Raises: ValueError: not of that form."""
    digits = colour.removeprefix("#")
    if len(digits) != 6 or not colour.startswith("#"):
        raise ValueError(f"a colour must be #rrggbb, but got {colour!r}")
    value = int(digits, 16)
    return value >> 16, value >> 8 & 255, value & 255
