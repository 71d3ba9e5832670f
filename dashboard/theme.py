"""Colours of the pages and their figures, dark and light.

The dark ones are the library's theme. Every pair of text and ground reaches WCAG 2.2's contrast of 4.5: light needs
accents of its own, since the dark theme's teal on white has 1.8.
"""

from __future__ import annotations

from dataclasses import dataclass

from wallpaper.pictures.colours import MARKS, THEME, contrast, rgb

FONT = "Roboto, system-ui, sans-serif"
"""Roboto comes with NiceGUI: nothing is fetched from elsewhere."""


@dataclass(frozen=True, slots=True)
class Palette:
    """One of the two themes; colours as #rrggbb."""

    name: str
    background: str
    card: str
    line: str
    text: str
    muted: str
    primary: str
    """Data and actions."""
    on_primary: str
    """Text on `primary`."""
    secondary: str
    """Validation and errors."""
    accent: str
    """What is selected or best."""
    series: tuple[str, ...]
    """Of components and compared runs, in this order."""


DARK = Palette(
    "dark", THEME["background"], THEME["card"], THEME["line"], THEME["text"], THEME["muted"],
    THEME["primary"], "#06110f", THEME["secondary"], THEME["accent"],
    (THEME["primary"], THEME["loss_velocity"], THEME["accent"], THEME["secondary"], "#74b9ff", "#fd79a8", "#7bed9f",
     "#e8a87c", "#c8d6e5", "#b8e994"),
)  # fmt: skip

LIGHT = Palette(
    "light", "#f4f6f8", "#ffffff", "#dde1e6", "#16191d", "#59626d",
    "#0c7d75", "#ffffff", "#c93a3a", "#8a6d00",
    ("#0c7d75", "#5b4fc7", "#8a6d00", "#c93a3a", "#1f6fb5", "#b0316e", "#2d7d3a", "#9c5a1f", "#4d5a68", "#5a7d1f"),
)  # fmt: skip


def palette(dark: bool) -> Palette:
    """The theme that is switched on."""
    return DARK if dark else LIGHT


def mark_colour(group: str, theme: Palette) -> str:
    """Colour of a group's points: its mark's, darkened on the light ground until it can be seen there.

    WCAG 2.2 asks for a contrast of 3 of graphical objects (success criterion 1.4.11).
    """
    colour = MARKS[group].colour
    if theme.name == "dark":
        return colour
    return darkened(colour, theme.card, 3.0)


def darkened(colour: str, ground: str, least: float) -> str:
    """A colour #rrggbb, or the first of its darker shades whose contrast on the ground is `least`."""
    while contrast(colour, ground) < least:
        colour = "#" + "".join(f"{int(part * 0.94):02x}" for part in rgb(colour))
    return colour


def faint(colour: str, opacity: float) -> str:
    """A colour #rrggbb with an opacity.

    >>> faint("#4ecdc4", 0.25)
    'rgba(78, 205, 196, 0.25)'
    """
    red, green, blue = rgb(colour)
    return f"rgba({red}, {green}, {blue}, {opacity})"
