"""Named colour palettes in OKLCH, drawn from their own stream: a palette knows nothing of groups or shapes.

OKLab is Ottosson's perceptual space (*A perceptual color space for image processing*, 2020): equal steps look
equal, so hue can be varied and contrast held without colours turning grey. Its matrices are below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Colours = NDArray[np.float32]

ROLES: tuple[str, ...] = ("ground", "tone", "primary", "secondary", "accent", "glow")
"""What a palette's rows are for: the ground, a second ground close to it, three motif colours, and what the first
of these shades into: further from the ground in lightness, a little turned in hue."""

_CREAM, _WHITE, _INK = (0.955, 0.035, 92.0), (0.985, 0.008, 90.0), (0.24, 0.05, 275.0)

_PALETTES: dict[str, tuple[tuple[float, float, float], ...]] = {
    "midnight": ((0.26, 0.085, 275), (0.36, 0.12, 277), (0.72, 0.185, 22), (0.89, 0.16, 95), (0.80, 0.13, 190)),
    "saffron": (_CREAM, (0.89, 0.09, 88), (0.61, 0.215, 32), (0.34, 0.12, 262), (0.80, 0.165, 72)),
    "lagoon": ((0.37, 0.075, 215), (0.47, 0.09, 210), (0.95, 0.045, 95), (0.71, 0.175, 32), (0.84, 0.125, 185)),
    "flamingo": ((0.83, 0.105, 8), (0.75, 0.15, 8), (0.36, 0.09, 165), (0.97, 0.03, 90), (0.60, 0.225, 25)),
    "citrus": ((0.93, 0.13, 105), (0.87, 0.17, 98), (0.63, 0.20, 40), (0.50, 0.13, 148), (0.985, 0.015, 100)),
    "cobalt": (_WHITE, (0.88, 0.055, 250), (0.45, 0.20, 264), (0.70, 0.14, 238), (0.72, 0.19, 45)),
    "ember": ((0.27, 0.075, 25), (0.40, 0.135, 27), (0.66, 0.22, 38), (0.85, 0.165, 82), (0.94, 0.06, 92)),
    "orchid": ((0.32, 0.13, 310), (0.43, 0.17, 312), (0.76, 0.165, 345), (0.92, 0.06, 330), (0.84, 0.15, 100)),
    "jade": ((0.93, 0.045, 150), (0.84, 0.10, 155), (0.45, 0.105, 165), (0.66, 0.195, 25), (0.29, 0.06, 190)),
    "marigold": ((0.82, 0.165, 78), (0.75, 0.175, 68), (0.44, 0.175, 12), (0.97, 0.04, 95), (0.35, 0.12, 290)),
    "peacock": ((0.29, 0.075, 240), (0.42, 0.10, 225), (0.72, 0.135, 185), (0.82, 0.175, 125), (0.87, 0.155, 88)),
    "terracotta": ((0.93, 0.045, 70), (0.84, 0.09, 58), (0.58, 0.155, 40), (0.37, 0.075, 200), (0.76, 0.14, 65)),
    "berry": ((0.96, 0.025, 350), (0.86, 0.095, 355), (0.51, 0.215, 5), (0.33, 0.13, 300), (0.76, 0.155, 50)),
    "mint": ((0.87, 0.095, 170), (0.79, 0.12, 175), (0.36, 0.13, 275), (0.985, 0.02, 120), (0.68, 0.205, 15)),
    "neon": ((0.19, 0.045, 285), (0.32, 0.13, 290), (0.71, 0.25, 345), (0.90, 0.175, 195), (0.92, 0.20, 115)),
    "vermilion": ((0.60, 0.215, 30), (0.52, 0.19, 28), (0.97, 0.035, 88), (0.27, 0.075, 265), (0.86, 0.155, 88)),
    "ultramarine": ((0.42, 0.20, 266), (0.34, 0.165, 268), (0.97, 0.03, 95), (0.83, 0.165, 84), (0.73, 0.165, 20)),
    "meadow": ((0.51, 0.125, 150), (0.43, 0.11, 153), (0.95, 0.075, 105), (0.80, 0.15, 355), (0.86, 0.175, 92)),
    "apricot": ((0.88, 0.085, 62), (0.81, 0.12, 52), (0.55, 0.19, 20), (0.40, 0.11, 250), (0.98, 0.02, 90)),
    "graphic": (_WHITE, (0.91, 0.085, 98), _INK, (0.62, 0.23, 27), (0.85, 0.175, 92)),
}

PALETTE_NAMES: tuple[str, ...] = tuple(_PALETTES)

HUE_SPREAD = 9.0
"""Degrees by which a drawn palette turns either way: enough to vary, too little to lose its name."""

LEAST_CONTRAST = 0.16
"""Least OKLab distance between motif colours and ground; about four times what reads as a different colour."""

BOLD_CONTRAST = 0.27
"""Least OKLab distance wanted between the primary colour and the ground."""

GLOW, GLOW_TURN = 0.15, 28.0
"""Lightness and degrees of hue from the primary colour to what it shades into."""

_CHROMA_STEPS = 64
"""Steps of each of two searches for the largest displayable chroma: 0.25 / 64**2 is far below one grey level."""


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """Six sRGB colours of one design: `colours` is (6, 3) float32 in [0, 1], rows as `ROLES`."""

    name: str
    colours: Colours

    def role(self, name: str) -> Colours:
        """(3,) colour of a role."""
        return np.asarray(self.colours[ROLES.index(name)])


def draw_palette(generator: np.random.Generator, name: str | None = None) -> Palette:
    """Draw a palette: one of the named ones (or `name`), turned a little in hue, motif colours in any order.

    Raises: ValueError: no palette has this name.
    """
    choice, turn, lift = (
        int(generator.integers(len(PALETTE_NAMES))),
        generator.uniform(-1, 1),
        generator.uniform(-1, 1, 5),
    )
    order = generator.permutation(3)
    if name is None:
        name = PALETTE_NAMES[choice]
    if name not in _PALETTES:
        raise ValueError(f"unknown palette {name!r}; one of {', '.join(PALETTE_NAMES)}")
    rows = np.array(_PALETTES[name], dtype=np.float64)
    rows = np.concatenate([rows[:2], rows[2:][_boldest_first(rows, order)]])
    rows[:, 0] = np.clip(rows[:, 0] + 0.015 * lift, 0.15, 0.985)
    rows[:, 2] += HUE_SPREAD * turn
    rows = _separate(rows)
    return Palette(name, oklch_to_srgb(np.concatenate([rows, _glow(rows)])))


def oklch_to_srgb(colours: NDArray[np.float64]) -> Colours:
    """(n, 3) OKLCH (lightness 0-1, chroma, hue in degrees) to (n, 3) sRGB in [0, 1].

    Colours that a screen cannot show lose chroma, not hue or lightness, until it can.
    """
    colours = np.array(colours, dtype=np.float64)
    low, step = np.zeros(len(colours)), colours[:, 1].copy()
    for _ in range(2):
        step = step / _CHROMA_STEPS
        chroma = low[:, None] + step[:, None] * np.arange(_CHROMA_STEPS + 1)
        trial = np.repeat(colours[:, None], _CHROMA_STEPS + 1, axis=1)
        trial[..., 1] = chroma
        shown = _displayable(trial.reshape(-1, 3)).reshape(chroma.shape)
        last = _CHROMA_STEPS - np.argmax(shown[:, ::-1], axis=1)
        low = np.take_along_axis(chroma, last[:, None], axis=1)[:, 0]
    colours[:, 1] = np.minimum(low, colours[:, 1])
    linear = np.clip(oklab_to_linear(_to_oklab(colours)), 0, 1)
    return np.asarray(_encode(linear), dtype=np.float32)


def oklab_to_linear(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3) OKLab to (n, 3) linear sRGB, which may lie outside [0, 1]."""
    return np.asarray((colours @ _LAB_TO_CONE.T) ** 3 @ _CONE_TO_LINEAR.T)


def _to_oklab(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    hue = np.radians(colours[:, 2])
    return np.stack([colours[:, 0], colours[:, 1] * np.cos(hue), colours[:, 1] * np.sin(hue)], axis=1)


def _separate(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Push the lightness of motif colours away from the ground until each has `LEAST_CONTRAST` to it."""
    ground = rows[0]
    for row in rows[2:]:
        distance = math.dist(_to_oklab(ground[None])[0], _to_oklab(row[None])[0])
        if distance < LEAST_CONTRAST:
            row[0] += (LEAST_CONTRAST - distance) * (1 if ground[0] < 0.6 else -1)
    return rows


def _glow(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """(1, 3) the primary colour, lighter on a darker ground and darker on a lighter one."""
    lightness, chroma, hue = rows[2]
    away = GLOW if lightness >= rows[0, 0] else -GLOW
    return np.array([[np.clip(lightness + away, 0.15, 0.985), chroma, hue + GLOW_TURN]])


def _boldest_first(rows: NDArray[np.float64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first rotation of `order` whose primary colour stands out enough from ground and tone, or the best one."""
    lab = _to_oklab(rows)
    contrast = [min(math.dist(lab[0], colour), 1.35 * math.dist(lab[1], colour)) for colour in lab[2:]]
    turned = [np.roll(order, -k) for k in range(3)]
    bold = [o for o in turned if contrast[o[0]] >= BOLD_CONTRAST]
    return bold[0] if bold else max(turned, key=lambda o: contrast[o[0]])


def _displayable(rows: NDArray[np.float64]) -> NDArray[np.bool_]:
    linear = oklab_to_linear(_to_oklab(rows))
    return np.asarray(((linear >= -1e-4) & (linear <= 1 + 1e-4)).all(axis=1))


def _encode(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sRGB transfer function (IEC 61966-2-1)."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055)


_LAB_TO_CONE = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_CONE_TO_LINEAR = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)
