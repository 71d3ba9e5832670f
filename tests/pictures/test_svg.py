"""SVG drawings: well-formed, the cell inside is the pattern, and the transform is the lattice."""

from __future__ import annotations

import base64
import io
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import map_coordinates

from tests.conftest import ALL_GROUPS
from wallpaper.pictures import render
from wallpaper.pictures.svg import LEAST_SAMPLES, MARGIN, pattern_svg, write_svg
from wallpaper.plane import Lattice, PlaneGroup

NAME = "{http://www.w3.org/2000/svg}"


def smooth(side: int = 64) -> np.ndarray:
    x, y = np.meshgrid(np.arange(side) / side, np.arange(side) / side, indexing="ij")
    waves = [np.sin(2 * np.pi * (x + 0.1)), np.sin(2 * np.pi * (y + x + 0.3)), np.cos(2 * np.pi * (y - 2 * x))]
    return 0.5 + 0.4 * np.stack(waves, axis=-1)


def parts(text: str) -> tuple[ElementTree.Element, np.ndarray, np.ndarray, np.ndarray]:
    """The `pattern` element, its (2, 2) transform and (2,) offset, and the embedded image."""
    element = ElementTree.fromstring(text).find(f"{NAME}defs/{NAME}pattern")
    assert element is not None
    image = element.find(f"{NAME}image")
    assert image is not None
    found = re.fullmatch(r"matrix\((.*)\)", element.get("patternTransform", ""))
    assert found is not None
    a, b, c, d, e, f = map(float, found[1].split())
    data = image.get("href", "").removeprefix("data:image/png;base64,")
    with Image.open(io.BytesIO(base64.b64decode(data))) as opened:
        pixels = np.asarray(opened)
    return element, np.array([[a, c], [b, d]]), np.array([e, f]), pixels


@ALL_GROUPS
def test_what_a_browser_would_draw_is_the_rendered_picture(group: PlaneGroup) -> None:
    """Each page pixel's centre goes back through the transform into the embedded image, as SVG 1.1, 13.3 says."""
    lattice = Lattice.random(group.system, np.random.default_rng(group.index))
    element, matrix, offset, image = parts(pattern_svg(smooth(), lattice, size=60, cells=2))
    side = float(element.get("width", 0))
    rows, columns = np.indices((60, 60))
    page = np.stack([columns + 0.5, rows + 0.5], axis=-1) - offset
    place = np.mod(page @ np.linalg.inv(matrix).T, side)
    seen = [
        map_coordinates(image[..., c].astype(float), [place[..., 1] + MARGIN, place[..., 0] + MARGIN], order=1)
        for c in range(3)
    ]
    expected = render(smooth(), lattice, size=60, cells=2)
    np.testing.assert_allclose(np.stack(seen, axis=-1), expected, atol=6)  # one blurs what it shrinks, the other not


def test_a_sample_s_pixel_is_centred_on_its_place() -> None:
    element, _, offset, _ = parts(pattern_svg(smooth(), Lattice(1, 1, 90), size=100))
    image = element.find(f"{NAME}image")
    assert image is not None
    assert float(image.get("x", "nan")) + MARGIN + 0.5 == float(image.get("y", "nan")) + MARGIN + 0.5 == 0
    assert offset.tolist() == [50, 50]


def test_the_image_reaches_beyond_the_cell_and_repeats_there() -> None:
    _, _, _, image = parts(pattern_svg(smooth(), Lattice(1, 1, 90)))
    side = image.shape[0] - 2 * MARGIN
    assert side >= LEAST_SAMPLES
    assert np.array_equal(image[:MARGIN], image[side : side + MARGIN])
    assert np.array_equal(image[:, -MARGIN:], image[:, MARGIN : 2 * MARGIN])


def test_a_title_is_escaped_and_a_file_is_whole(tmp_path: Path) -> None:
    write_svg(tmp_path / "a" / "x.svg", smooth(), Lattice(1, 1, 90), title="<p4m> & more")
    title = ElementTree.parse(tmp_path / "a" / "x.svg").getroot().find(f"{NAME}title")
    assert title is not None
    assert title.text == "<p4m> & more"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["x.svg"]


def test_errors_say_what_must_hold() -> None:
    with pytest.raises(ValueError, match=r"`size >= 1` must hold, but got 0"):
        pattern_svg(smooth(), Lattice(1, 1, 90), size=0)
    with pytest.raises(ValueError, match=r"`cells > 0` must hold, but got 0"):
        pattern_svg(smooth(), Lattice(1, 1, 90), cells=0)
