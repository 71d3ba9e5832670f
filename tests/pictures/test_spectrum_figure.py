"""The figure of a symmetry spectrum: every operation by name, in the colour of its role, where it holds in yellow."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_hex

from wallpaper.pictures.colours import THEME
from wallpaper.pictures.figures import figure_pixels, spectrum_plot
from wallpaper.pictures.figures.spectrum import ROLE_COLOURS
from wallpaper.plane import Lattice, align
from wallpaper.plane.routes import widest_route
from wallpaper.symmetry import Spectrum, symmetry_spectrum

TIMES = np.linspace(0, 1, 5)


def example() -> Spectrum:
    frames = np.random.default_rng(0).random((5, 3, 8, 8))
    return symmetry_spectrum(frames, TIMES, [align("p2", "p4")], [Lattice(1, 1, 90)])


def test_every_operation_is_named_in_the_colour_of_its_role() -> None:
    spectrum = example()
    figure = spectrum_plot(spectrum, source="p2", target="p4", common="p2")
    _, curves, rows = ([None, *figure.axes] if len(figure.axes) == 3 else figure.axes)[:3]
    assert curves is not None
    assert rows is not None
    names = [(label.get_text(), label.get_color()) for label in rows.get_yticklabels()]
    assert names == [(line.label, ROLE_COLOURS[line.role]) for line in spectrum.lines]
    drawn = {to_hex(line.get_color()) for line in curves.lines}
    assert drawn == {ROLE_COLOURS[line.role] for line in spectrum.lines}
    assert len(curves.lines) == len(spectrum.lines)


def test_what_holds_is_drawn_in_the_accent_and_nearly_is_not() -> None:
    spectrum = example()
    values = spectrum.correlations.copy()
    values[0], values[1] = 1.0, 0.999
    figure = spectrum_plot(Spectrum(TIMES, spectrum.lines, values), source="p2", target="p4")
    figure_pixels(figure)
    meshes = [mesh for axes in figure.axes for mesh in axes.collections if isinstance(mesh, QuadMesh)]
    first, second = (to_hex(mesh.to_rgba(np.asarray(mesh.get_array()))[0, 0]) for mesh in meshes[:2])
    assert first == THEME["accent"] != second


def test_waypoints_and_pictures_are_shown() -> None:
    route = widest_route("pm", "p4")
    frames = np.random.default_rng(0).random((5, 3, 8, 8))
    spectrum = symmetry_spectrum(frames, TIMES, route.legs)
    pictures = [np.full((20, 20, 3), value, np.uint8) for value in (0, 120, 255)]
    figure = spectrum_plot(spectrum, source="pm", target="p4", waypoints=[(0.5, "p4m")], pictures=pictures)
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert texts == ["p4m"]
    assert len(figure.axes[0].images) == 3
    assert figure_pixels(figure).shape[2] == 3


def test_nothing_to_draw_is_refused() -> None:
    spectrum = example()
    with pytest.raises(ValueError, match="a spectrum must have operations and two times"):
        spectrum_plot(Spectrum(TIMES[:1], spectrum.lines, spectrum.correlations[:, :1]), source="p2", target="p4")
