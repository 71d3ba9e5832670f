"""Rendering against closed forms: orientation, scale, angles, anti-aliasing; and the picture's own symmetry."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from wallpaper.pictures.render import picture_scale, render, render_many, unit_pixels
from wallpaper.plane import Lattice, plane_group
from wallpaper.symmetry import project

LATTICES = [Lattice(1.0, 1.3, 90.0), Lattice(0.9, 1.2, 77.0), Lattice(1.0, 1.0, 120.0), Lattice(1.0, 1.0, 60.0)]


def wave_pattern(h: int, k: int, side: int) -> np.ndarray:
    i, j = np.indices((side, side)) / side
    phases = 2 * np.pi * (h * i + k * j)[..., None] + np.array([0, 1, 2])  # three phases: no hidden mirror
    return 0.5 + 0.5 * np.cos(phases)


def symmetric(name: str, side: int) -> np.ndarray:
    noise = torch.from_numpy(np.random.default_rng(0).random((3, side, side)))
    return project(noise, plane_group(name).index).numpy()


@pytest.mark.parametrize("lattice", LATTICES, ids=str)
@pytest.mark.parametrize("kernel", ["cubic", "linear"])
def test_a_plane_wave_is_drawn_as_its_closed_form(lattice, kernel):
    size, scale, degrees, centre = 90, 31.0, 25.0, np.array([0.15, -0.4])
    picture = render(
        wave_pattern(2, -1, 128), lattice, size=size, scale=scale, rotation=degrees, centre=tuple(centre), kernel=kernel
    )
    row, column = np.indices((size, size))
    x, y = (column - 44.5) / scale, (44.5 - row) / scale
    angle = np.radians(degrees)
    back_x, back_y = np.cos(angle) * x + np.sin(angle) * y, -np.sin(angle) * x + np.cos(angle) * y
    k = np.linalg.inv(lattice.basis).T @ np.array([2, -1])
    phase = 2 * np.pi * (k[0] * back_x + k[1] * back_y + 2 * centre[0] - centre[1])
    # the sampling filter's variance is that of a tent of one output pixel
    damped = np.exp(-2 * np.pi**2 * (k @ k) / (6 * scale**2))
    expected = 255 * (0.5 + 0.5 * damped * np.cos(phase[..., None] + np.array([0, 1, 2])))
    assert np.abs(picture - expected).max() < 2.0  # grey levels: linear interpolation errs by (2 pi |k| p)^2 / 8


@pytest.mark.parametrize("side", [24, 48])
def test_enlarging_a_wave_by_the_cubic_kernel_is_accurate(side):
    lattice = Lattice(1.0, 1.0, 120.0)
    picture = render(wave_pattern(1, 1, side), lattice, size=81, scale=160.0)
    row, column = np.indices((81, 81))
    x = np.linalg.inv(lattice.basis) @ np.stack([(column - 40) / 160, (40 - row) / 160]).reshape(2, -1)
    phase = 2 * np.pi * x.sum(axis=0).reshape(81, 81, 1) + np.array([0, 1, 2])
    assert np.abs(picture - 255 * (0.5 + 0.5 * np.cos(phase))).max() < 1.5


def test_pixels_on_samples_are_the_samples_in_the_documented_orientation():
    side = 16
    pattern = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    half = (side - 1) / 2 / side
    picture = render(pattern, Lattice(2.0, 2.0, 90.0), size=side, cells=1.0, centre=(half, half))
    np.testing.assert_array_equal(picture, pattern.swapaxes(0, 1)[::-1])  # column along a, row against b


@pytest.mark.parametrize("side", [16, 96])
@pytest.mark.parametrize(
    ("name", "moved"),
    [
        ("p2", lambda f: f[::-1, ::-1]),
        ("pm", lambda f: f[:, ::-1]),
        ("cm", lambda f: f[:, ::-1]),
        ("pmm", lambda f: f[::-1]),
        ("p4", lambda f: np.rot90(f)),
        ("p4m", lambda f: f.swapaxes(0, 1)),
        ("p6", lambda f: f[::-1, ::-1]),
        ("p3m1", lambda f: f[:, ::-1]),
        ("p31m", lambda f: f[::-1]),
    ],
)
def test_the_picture_itself_has_the_symmetry(name, moved, side):
    lattice = Lattice.random(plane_group(name).system, np.random.default_rng(1))
    if name == "p3m1":  # its mirrors are across the short vectors, 30 degrees from a
        lattice = Lattice.standard("hexagonal")
    picture = render(symmetric(name, side), lattice, size=100, cells=2.5).astype(int)
    assert np.abs(moved(picture) - picture).max() <= 1  # a level, where rounding meets a half
    assert picture.std() > 5


def test_a_fine_checker_shrinks_to_grey():
    i, j = np.indices((128, 128))
    checker = np.repeat((255 * ((i + j) % 2)).astype(np.uint8)[..., None], 3, axis=-1)
    for lattice in LATTICES[:3]:
        picture = render(checker, lattice, size=64, cells=4.0)
        assert np.abs(picture.astype(int) - 127.5).max() <= 1.5


@pytest.mark.parametrize("lattice", LATTICES, ids=str)
def test_shrinking_is_as_good_as_drawing_large_and_averaging(lattice):
    """Against 9 x 9 samples a pixel under a tent, whose variance the filter has; sharp edges, four times too fine."""
    i, j = np.indices((192, 192)) / 192
    disc = (np.hypot(i - 0.5, j - 0.5) < 0.31) ^ (np.abs(i - j) < 0.07)
    pattern = np.repeat(disc[..., None].astype(np.float64), 3, axis=-1)
    small = render(pattern, lattice, size=49, scale=49.0, rotation=20.0).astype(float)
    large = render(pattern, lattice, size=49 * 9, scale=49.0 * 9, rotation=20.0, kernel="linear").astype(float)
    tent = 1 - np.abs(np.arange(-8, 9)) / 9
    weights = np.outer(tent, tent)[..., None] / tent.sum() ** 2
    for row, column in np.random.default_rng(0).integers(2, 47, (60, 2)):
        centre = 9 * np.array([row, column]) + 4
        part = large[centre[0] - 8 : centre[0] + 9, centre[1] - 8 : centre[1] + 9]
        assert np.abs((part * weights).sum(axis=(0, 1)) - small[row, column]).max() < 16  # of 255: other tails
    assert small.std() > 40


def test_shrinking_an_edge_does_not_ring():
    step = np.zeros((256, 256, 3), np.float32)
    step[64:192] = 0.5
    picture = render(step + 0.25, Lattice.standard("square"), size=64, cells=2.0)
    assert picture.min() >= 63
    assert picture.max() <= 192


def test_all_forms_of_a_pattern_give_the_same_picture():
    pattern = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    expected = render(pattern, LATTICES[1], size=50)
    floats = pattern.astype(np.float32) / 255
    for same in (floats, floats.astype(np.float64), np.moveaxis(floats, -1, 0)):
        np.testing.assert_allclose(render(same, LATTICES[1], size=50).astype(int), expected, atol=1)


def test_cells_set_the_scale_by_the_cells_area():
    assert picture_scale([Lattice(2.0, 2.0, 90.0)], 120, 3.0) == pytest.approx(20.0)
    assert picture_scale([Lattice(1.0, 1.0, 90.0), Lattice(4.0, 4.0, 90.0)], 120, 3.0) == pytest.approx(20.0)


def test_bands_of_rows_join_without_a_seam(monkeypatch):
    pattern = wave_pattern(2, 1, 32)
    whole = render(pattern, LATTICES[1], size=90, rotation=7.0, centre=(-3.3, 41.8))
    monkeypatch.setattr(sys.modules["wallpaper.pictures.render"], "BAND", 200)  # the package names its function alike
    np.testing.assert_array_equal(render(pattern, LATTICES[1], size=90, rotation=7.0, centre=(-3.3, 41.8)), whole)


def test_frames_share_one_scale():
    patterns = [wave_pattern(1, 0, 32), wave_pattern(0, 1, 32), wave_pattern(1, 1, 32)]
    lattices = [Lattice(1.0, 1.0, 90.0), Lattice(1.5, 1.5, 100.0), Lattice(2.0, 2.0, 120.0)]
    frames = render_many(patterns, lattices, size=40, cells=2.0, rotation=10.0, workers=2)
    scale = picture_scale(lattices, 40, 2.0)
    for frame, pattern, lattice in zip(frames, patterns, lattices, strict=True):
        np.testing.assert_array_equal(frame, render(pattern, lattice, size=40, scale=scale, rotation=10.0))
    assert len(render_many(patterns, lattices[0], size=8)) == 3
    assert render_many([], []) == []


def test_each_frame_may_have_its_own_rotation():
    patterns, lattice, turns = [wave_pattern(1, 0, 32)] * 3, LATTICES[0], [0.0, 15.0, 40.0]
    frames = render_many(patterns, lattice, size=40, rotation=turns)
    for frame, turn in zip(frames, turns, strict=True):
        np.testing.assert_array_equal(frame, render(patterns[0], lattice, size=40, rotation=turn))
    assert not np.array_equal(frames[0], frames[1])
    with pytest.raises(ValueError, match=r"len\(rotation\) == len\(patterns\).*got 2 and 3"):
        render_many(patterns, lattice, rotation=[0.0, 1.0])


def test_errors_say_what_must_hold():
    lattice, good = Lattice.standard("square"), np.zeros((8, 8, 3), np.float32)
    with pytest.raises(ValueError, match=r"\(n, n, 3\) or \(3, n, n\), but got \(8, 8, 4\)"):
        unit_pixels(np.zeros((8, 8, 4)))
    with pytest.raises(ValueError, match="uint8 or float, but got int64"):
        unit_pixels(np.zeros((8, 8, 3), np.int64))
    with pytest.raises(ValueError, match=r"in \[0, 1\], but got 0..255"):
        unit_pixels(np.array([0.0, 255.0, 0.0] * 4).reshape(2, 2, 3))
    with pytest.raises(ValueError, match=r"in \[0, 1\], but got nan"):
        unit_pixels(np.full((2, 2, 3), np.nan))
    with pytest.raises(ValueError, match=r"cells > 0.*got 0"):
        render(good, lattice, cells=0)
    with pytest.raises(ValueError, match="scale=-1"):
        render(good, lattice, scale=-1.0)
    with pytest.raises(ValueError, match="'cubic' or 'linear', but got 'box'"):
        render(good, lattice, kernel="box")
    with pytest.raises(ValueError, match="but got 1 and 2"):
        render_many([good, good], [lattice])
