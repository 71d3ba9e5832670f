"""The colours of a search's figures can be seen, and told apart, by everybody and on every ground."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from tune import figures, figures_picture
from wallpaper.pictures.colours import THEME


def contrast(first: str, second: str) -> float:
    """WCAG 2.2."""
    light = []
    for colour in (first, second):
        value = np.array(to_rgb(colour))
        light.append(
            np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)
        )
    return float((max(light) + 0.05) / (min(light) + 0.05))


DEUTERANOPIC = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)
PROTANOPIC = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)
"""Machado, Oliveira and Fernandes (2009), severity 1, for linear sRGB."""


def seen(colour: str, sight: np.ndarray) -> np.ndarray:
    value = np.array(to_rgb(colour))
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return np.clip(sight @ linear, 0, 1) ** (1 / 2.4)


@pytest.mark.parametrize("ground", ["#ffffff", THEME["card"]])
def test_colours_show_on_light_and_dark_pages(ground: str) -> None:
    for colour in (figures.INK, *figures.STATE_COLOURS.values()):
        assert contrast(colour, ground) >= 3  # what WCAG 2.2 asks of graphics, success criterion 1.4.11


@pytest.mark.parametrize("module", [figures, figures_picture])
@pytest.mark.parametrize("sight", [np.eye(3), DEUTERANOPIC, PROTANOPIC], ids=["normal", "deuteranopic", "protanopic"])
def test_states_differ_for_every_sight(module: Any, sight: np.ndarray) -> None:
    for first, second in combinations([module.STATE_COLOURS[name] for name in ("COMPLETE", "FAIL", "RUNNING")], 2):
        assert np.linalg.norm(seen(first, sight) - seen(second, sight)) > 0.1
