"""`analyse` on pictures drawn with a pen: every group, turned, moved, damaged; files; pictures without an answer."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from tests.conftest import ALL_GROUPS
from tests.judge.drawn import draw, operations_of
from wallpaper.judge import Analysis, analyse
from wallpaper.plane import PlaneGroup


def drawn(group: str, seed: int = 0, **options: object) -> np.ndarray:
    return draw(group, np.random.default_rng([seed, 77]), **options)[0]  # type: ignore[arg-type]


def group_of(found: Analysis) -> str | None:
    return None if found.certificate is None else found.certificate.group


@pytest.mark.parametrize("lines", [False, True], ids=["areas", "lines"])
@ALL_GROUPS
def test_a_drawn_picture(group: PlaneGroup, lines: bool) -> None:
    pixels, (a, b, gamma), scale = draw(group.name, np.random.default_rng([group.index, 3]), lines=lines)
    found = analyse(pixels)
    assert group_of(found) == group.name
    assert found.certificate is not None
    lattice = found.certificate.lattice
    assert lattice.meets(group.system)
    assert lattice.area == pytest.approx(scale**2 * a * b * np.sin(np.radians(gamma)), rel=2e-3)
    if group.system in ("square", "hexagonal"):
        assert found.certificate.measured.gamma == pytest.approx(gamma, abs=0.2)
        assert found.certificate.measured.b / found.certificate.measured.a == pytest.approx(1, abs=3e-3)


@ALL_GROUPS
def test_the_place_in_the_picture_is_right(group: PlaneGroup) -> None:
    """Every printed operation about the found origin, on the found axes, maps the picture onto itself."""
    pixels = ndimage.gaussian_filter(drawn(group.name, 5).astype(float), (2, 2, 0))
    found = analyse(drawn(group.name, 5))
    assert found.basis is not None
    assert found.origin is not None
    assert np.linalg.det(found.basis) < 0, "a to b turns counter-clockwise as seen"
    points = np.random.default_rng(0).uniform(90, 165, (400, 2))
    fractions = np.linalg.solve(found.basis, (points - found.origin).T).T
    expected = _at(pixels, points)
    for matrix, shift in operations_of(group.name):
        images = (fractions @ matrix.T + shift + 0.5) % 1.0 - 0.5
        difference = _at(pixels, images @ found.basis.T + found.origin) - expected
        assert np.sqrt(np.mean(difference**2)) < 0.12 * pixels.std()


@ALL_GROUPS
def test_noise_light_and_compression(group: PlaneGroup) -> None:
    generator = np.random.default_rng([group.index, 11])
    pixels = draw(group.name, generator)[0]
    y, x = np.mgrid[0:256, 0:256] / 256
    dim = pixels * (1 - 0.5 * (0.7 * x + 0.3 * y))[..., None] + generator.normal(0, 0.05 * 255, pixels.shape)
    stream = io.BytesIO()
    Image.fromarray(np.clip(dim, 0, 255).astype(np.uint8)).save(stream, "JPEG", quality=75)
    assert group_of(analyse(np.asarray(Image.open(stream)))) == group.name


def test_the_mean_cell_is_in_the_standard_setting() -> None:
    found = analyse(drawn("p4", 2), side=64)
    assert found.cell is not None
    assert found.cell.shape == (64, 64, 3)
    quarter = found.cell[:, (-np.arange(64)) % 64].swapaxes(0, 1)  # f(-y, x)
    assert np.sqrt(np.mean((quarter - found.cell) ** 2)) < 0.06 * found.cell.std()


@pytest.mark.parametrize("name", ["grey.png", "deep.tif", "alpha.png", "palette.gif", "photo.jpg", "one-bit.png"])
def test_files(tmp_path: Path, name: str) -> None:
    pixels = Image.fromarray(drawn("p31m", 4))
    converted = {
        "grey.png": lambda: pixels.convert("L"),
        "deep.tif": lambda: Image.fromarray(np.asarray(pixels.convert("L")).astype(np.uint16) * 257),
        "alpha.png": lambda: pixels.convert("RGBA"),
        "palette.gif": lambda: pixels.quantize(8),
        "photo.jpg": lambda: pixels,
        "one-bit.png": lambda: pixels.convert("L").point(lambda value: 255 * (value > 128)).convert("1"),
    }[name]()
    converted.save(tmp_path / name)
    assert group_of(analyse(tmp_path / name)) == "p31m"


def test_a_large_picture_is_shrunk_and_a_finely_patterned_one_cut() -> None:
    tile = drawn("pmg", 1)
    coarse = analyse(np.asarray(Image.fromarray(tile).resize((1024, 1024), Image.Resampling.BICUBIC)))
    assert group_of(coarse) == "pmg"
    assert coarse.size == (1024, 1024)
    fine = analyse(draw("pgg", np.random.default_rng(8), size=760, period=26)[0])
    assert group_of(fine) == "pgg"
    for found in (coarse, fine):
        assert found.certificate is not None
        assert found.basis is not None
        assert np.linalg.norm(found.basis, axis=0) == pytest.approx(
            [found.certificate.lattice.a, found.certificate.lattice.b]
        )


def test_a_long_picture() -> None:
    assert group_of(analyse(draw("p6", np.random.default_rng(6), size=400, period=60)[0][:180])) == "p6"


Y, X = np.mgrid[0:200, 0:200]
WITHOUT = {
    "flat": (np.full((200, 200, 3), 90, dtype=np.uint8), "no contrast"),
    "noise": (np.random.default_rng(0).random((200, 200, 3)), "no lattice found"),
    "stripes": (0.5 + 0.4 * np.sin(0.3 * X + 0.1 * Y), "no lattice found"),
    "gradient": (X / 200.0, "no lattice found"),
    "one disc": (((X - 100) ** 2 + (Y - 100) ** 2 < 2500).astype(float), "no lattice found"),
    "clouds": (np.clip(0.5 + 4 * ndimage.gaussian_filter(np.random.default_rng(1).normal(size=(200, 200)), 7), 0, 1),
               "no lattice found"),
    "white corner": ((np.maximum(X, Y) < 20).astype(float), "no lattice found"),  # the rest of it is looked at alone
    "tiny": (np.random.default_rng(2).random((9, 9)), "no lattice found"),
}  # fmt: skip


@pytest.mark.parametrize(("pixels", "problem"), WITHOUT.values(), ids=WITHOUT)
def test_no_answer_is_an_answer(pixels: np.ndarray, problem: str) -> None:
    found = analyse(pixels)
    assert found.problem == problem
    assert found.certificate is None
    assert found.advice
    assert found.to_dict()["advice"] == found.advice


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.full((50, 50), np.nan), "but got nan"),
        (np.zeros((50,)), r"must be \(H, W\)"),
        (np.full((50, 50), 7.0), "divide 0-255"),
    ],
)
def test_what_is_no_picture_is_refused(pixels: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        analyse(pixels)


def _at(pixels: np.ndarray, places: np.ndarray) -> np.ndarray:
    return np.stack(
        [ndimage.map_coordinates(plane, places[:, ::-1].T, order=1) for plane in np.moveaxis(pixels, -1, 0)]
    )


@pytest.mark.parametrize("colour", [0, 150, 255])
def test_a_frame_is_left_out(colour: int) -> None:
    framed = np.pad(drawn("p4g", 6), ((25, 20), (30, 25), (0, 0)), constant_values=colour)
    found = analyse(framed)
    assert group_of(found) == "p4g"
    assert found.origin is not None
    assert np.abs(found.origin - np.array([framed.shape[1], framed.shape[0]]) / 2).max() < 80


def test_a_pattern_in_a_disc_is_found_there() -> None:
    y, x = np.mgrid[0:256, 0:256] - 127.5
    masked = np.where((x**2 + y**2 < 115**2)[..., None], drawn("p3", 2), 255).astype(np.uint8)
    assert group_of(analyse(masked)) == "p3"


def test_every_second_row_a_little_darker_doubles_the_cell() -> None:
    """Square dots are p4m; with every second row tinted by 30 levels of 255 they are pmm on twice the cell."""
    y, x = np.mgrid[0:256, 0:256]
    dot = np.exp(-(((x % 32) - 15.5) ** 2 + ((y % 32) - 15.5) ** 2) / 60)
    tinted = 220 - dot * np.where(y // 32 % 2, 150, 120)
    assert group_of(analyse(np.rint(220 - 150 * dot).astype(np.uint8))) == "p4m"
    assert group_of(analyse(np.rint(tinted).astype(np.uint8))) == "pmm"


@pytest.mark.parametrize("folds", [5, 7, 12])
def test_a_quasicrystal_has_no_lattice(folds: int) -> None:
    """Waves in 5, 7 or 12 directions nearly repeat, and never do."""
    y, x = np.mgrid[0:256, 0:256]
    angles = np.pi * np.arange(folds) / folds if folds % 2 else 2 * np.pi * np.arange(folds) / folds
    total = sum(np.cos(0.45 * (x * np.cos(a) + y * np.sin(a))) for a in angles)
    assert analyse((total - total.min()) / np.ptp(total)).problem == "no lattice found"


@pytest.mark.parametrize("period", [6.5, 7.5, 9.0])
def test_smooth_patterns_of_short_periods(period: float) -> None:
    """f = cos X cos Y-like waves of pg: a glide along y, no mirror; one formula in Cartesian coordinates."""
    y, x = np.mgrid[0:200, 0:200]
    u, v = 2 * np.pi * x / period, 2 * np.pi * y / (1.3 * period)
    values = np.cos(u) * np.cos(2 * v + 0.4) + np.sin(u) * np.cos(v) + 0.6 * np.sin(u) * np.sin(v + 0.9)
    assert group_of(analyse((values - values.min()) / np.ptp(values))) == "pg"
