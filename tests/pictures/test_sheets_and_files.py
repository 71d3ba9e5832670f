"""Strips, GIF, MP4 and PNG, read back by other libraries; whole files or none."""

from __future__ import annotations

import warnings
from pathlib import Path

import imageio.v2 as imageio
import numpy as np
import pytest
from PIL import Image

from wallpaper.pictures import spread, strip, tile, write_animation, write_gif, write_mp4, write_png
from wallpaper.pictures.files import replacing


def frames(count: int = 50, height: int = 40, width: int = 48) -> list[np.ndarray]:
    """Coloured squares that move: every frame differs."""
    shown = []
    for k in range(count):
        frame = np.full((height, width, 3), (30, 60, 120), np.uint8)
        frame[10:20, k % (width - 8) : k % (width - 8) + 8] = (250, 200, 5 * (k % 50))
        shown.append(frame)
    return shown


def read_mp4(path: Path) -> tuple[dict, list[np.ndarray]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # imageio's reader leaves its pipes to the collector
        with imageio.get_reader(path, format="FFMPEG") as reader:
            return reader.get_meta_data(), list(reader.iter_data())


def test_a_gif_has_all_frames_their_colours_and_the_right_length(tmp_path):
    shown = frames()
    write_animation(tmp_path / "new" / "a.gif", shown)
    with Image.open(tmp_path / "new" / "a.gif") as image:
        assert image.n_frames == 50
        assert image.info["loop"] == 0
        durations = []
        for k in range(50):
            image.seek(k)
            durations.append(image.info["duration"])
            assert np.abs(np.asarray(image.convert("RGB")).astype(int) - shown[k]).max() <= 6
    assert sum(durations) == 2500
    assert set(durations) == {50}


def test_a_gifs_odd_times_still_add_up_and_its_ends_hold(tmp_path):
    write_gif(tmp_path / "a.gif", frames(7), duration_s=1.0, hold_s=0.5, loop=False)
    with Image.open(tmp_path / "a.gif") as image:
        durations = []
        for k in range(image.n_frames):
            image.seek(k)
            durations.append(image.info["duration"])
        assert "loop" not in image.info
    assert sum(durations) == 2000
    assert min(durations[0], durations[-1]) >= 600


def test_one_palette_serves_all_frames_so_that_a_still_background_stays_still(tmp_path):
    i, j = np.indices((48, 48))
    background = np.stack([5 * i, 5 * j, 2 * (i + j)], axis=-1).astype(np.uint8)  # more colours than 256
    shown = []
    for k in range(12):
        frame = background.copy()
        frame[24:] = frame[24:] // (1 + k) + np.uint8(10 * k)
        shown.append(frame)
    write_gif(tmp_path / "a.gif", shown, duration_s=1.0)
    with Image.open(tmp_path / "a.gif") as image:
        top = []
        for k in range(12):
            image.seek(k)
            top.append(np.asarray(image.convert("RGB"))[:24])
    assert all(np.array_equal(top[0], each) for each in top)
    assert np.sqrt(np.mean((top[0].astype(float) - background[:24]) ** 2)) < 12


@pytest.mark.parametrize(("height", "width"), [(40, 48), (41, 49)])
def test_an_mp4_has_all_frames_its_rate_and_even_sides(tmp_path, height, width):
    shown = frames(height=height, width=width)
    write_mp4(tmp_path / "a.mp4", shown, fps=20)
    facts, read = read_mp4(tmp_path / "a.mp4")
    assert len(read) == 50
    assert facts["fps"] == pytest.approx(20)
    assert facts["duration"] == pytest.approx(2.5, abs=0.06)
    assert facts["codec"] == "h264"
    assert facts["pix_fmt"].startswith("yuv420p")
    assert read[0].shape == (height + height % 2, width + width % 2, 3)
    assert np.abs(read[25][30:36, :40].astype(int) - (30, 60, 120)).mean() < 3  # the colour matrix is tagged right


def test_mp4_by_suffix_keeps_the_duration(tmp_path):
    write_animation(tmp_path / "a.MP4", frames(10), duration_s=1.0)
    assert read_mp4(tmp_path / "a.MP4")[0]["fps"] == pytest.approx(10)


def test_png_by_suffix_is_a_strip_of_ten(tmp_path):
    shown = frames()
    write_animation(tmp_path / "a.png", shown)
    np.testing.assert_array_equal(imageio.imread(tmp_path / "a.png"), strip([shown[k] for k in spread(50, 10)]))


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing(tmp_path):
    path = tmp_path / "a.png"
    write_png(path, frames(1)[0])
    before = path.read_bytes()
    with pytest.raises(RuntimeError, match="half"), replacing(path) as temporary:
        temporary.write_bytes(b"half")
        raise RuntimeError("half")
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["a.png"]


def test_writers_refuse_what_they_cannot_write(tmp_path):
    with pytest.raises(ValueError, match=r"\.gif, \.mp4 or \.png, but got '\.webm' in '.*a\.webm'"):
        write_animation(tmp_path / "a.webm", frames(2))
    with pytest.raises(ValueError, match="at least one picture"):
        write_gif(tmp_path / "a.gif", [])
    with pytest.raises(ValueError, match="one shape, but got"):
        write_mp4(tmp_path / "a.mp4", [*frames(1), *frames(1, height=44)])
    with pytest.raises(ValueError, match="float64"):
        write_png(tmp_path / "a.png", np.zeros((4, 4, 3)))
    with pytest.raises(ValueError, match=r"fps > 0.*got 0"):
        write_mp4(tmp_path / "a.mp4", frames(2), fps=0)
    with pytest.raises(ValueError, match=r"0.02 \* len.*got 0.5 for 50"):
        write_gif(tmp_path / "a.gif", frames(), duration_s=0.5)
    assert not list(tmp_path.iterdir())


def test_tiles_stand_in_their_places():
    shown = frames(3, 4, 6)
    sheet = tile([shown[0], None, shown[1], shown[2]], 3, gap=2, background="#010203")
    assert sheet.shape == (2 * 4 + 2, 3 * 6 + 2 * 2, 3)
    np.testing.assert_array_equal(sheet[:4, 16:], shown[1])
    np.testing.assert_array_equal(sheet[6:, :6], shown[2])
    assert (sheet[:4, 6:16] == (1, 2, 3)).all()


def test_a_strip_holds_every_frame_inside_its_margin():
    shown = frames(7, 20, 30)
    sheet = strip(shown, 4, gap=5, background="#1a1a1a")
    assert sheet.shape == (2 * 20 + 5 + 2 * 10, 4 * 30 + 3 * 5 + 2 * 10, 3)
    np.testing.assert_array_equal(sheet[10:30, 10:40], shown[0])
    np.testing.assert_array_equal(sheet[35:55, 80:110], shown[6])
    assert (sheet[:10] == 26).all()


def test_captions_and_names_are_drawn_outside_the_frames():
    shown = frames(4, 60, 60)
    plain = strip(shown)
    sheet = strip(shown, captions=["0.00", "0.33", "0.67", "1.00"], ends=("p1", "p6m"))
    assert sheet.shape[1] == plain.shape[1]
    above = next(k for k in range(sheet.shape[0]) if np.array_equal(sheet[k : k + 60, 16:76], shown[0]))
    heading, below = sheet[:above], sheet[above + 60 :]
    for k in range(4):
        left = 16 + k * 68
        np.testing.assert_array_equal(sheet[above : above + 60, left : left + 60], shown[k])
        assert below[:, left : left + 60].std() > 5
    assert heading[:, :60].std() > 5
    assert heading[:, -60:].std() > 5


def test_sheets_refuse_what_does_not_fit():
    with pytest.raises(ValueError, match=r"columns >= 1.*columns=0"):
        tile(frames(2), 0)
    with pytest.raises(ValueError, match=r"len\(captions\) == len\(frames\).*got 1 and 2"):
        strip(frames(2), captions=["0"])
    with pytest.raises(ValueError, match="count=0"):
        spread(5, 0)


@pytest.mark.parametrize(("total", "count"), [(50, 10), (5, 10), (1, 3), (10, 1)])
def test_spread_takes_distinct_indices_with_both_ends(total, count):
    chosen = spread(total, count)
    assert len(set(chosen)) == len(chosen) == min(total, count)
    assert chosen[0] == 0
    assert chosen[-1] == total - 1 or count == 1
