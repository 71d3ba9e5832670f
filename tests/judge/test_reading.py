"""Files that are pictures in odd ways, and files that are none."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from wallpaper.judge import reading
from wallpaper.judge.reading import contrasts, read_picture, unit_samples


def test_transparency_is_laid_over_white(tmp_path: Path) -> None:
    pixels = np.zeros((4, 4, 4), dtype=np.uint8)
    pixels[0, 0] = (10, 20, 30, 255)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    found = read_picture(tmp_path / "a.png")
    assert found[0, 0].tolist() == [10, 20, 30]
    assert found[1, 1].tolist() == [255, 255, 255]


def test_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    Image.fromarray(np.zeros((4, 8), dtype=np.uint8)).save(tmp_path / "a.jpg", exif=exif)
    assert read_picture(tmp_path / "a.jpg").shape[:2] == (8, 4)


def test_sixteen_bits_are_kept(tmp_path: Path) -> None:
    values = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000
    Image.fromarray(values).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif"), values)


def test_a_float_tiff_is_scaled(tmp_path: Path) -> None:
    Image.fromarray(np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)).save(tmp_path / "a.tif")
    assert unit_samples(read_picture(tmp_path / "a.tif"))[7, 7, 0] == pytest.approx(1)


def test_files_that_are_no_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(ValueError, match=r"text\.png: not a picture"):
        read_picture(tmp_path / "text.png")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:3000])
    with pytest.raises(ValueError, match=r"cut\.png: damaged"):
        read_picture(tmp_path / "cut.png")
    with pytest.raises(FileNotFoundError):
        read_picture(tmp_path / "missing.png")
    monkeypatch.setattr(reading, "MOST_PIXELS", 1000)
    with pytest.raises(ValueError, match="at most 1000 pixels, but got 64 x 64"):
        read_picture(tmp_path / "whole.png")


def test_a_picture_may_come_as_bytes_and_errors_name_no_file() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    with io.BytesIO() as stream:
        Image.fromarray(picture).save(stream, format="PNG")
        content = stream.getvalue()
    np.testing.assert_array_equal(reading.decode_picture(io.BytesIO(content), most_pixels=64), picture)
    with pytest.raises(reading.PictureTooLarge, match=r"^a picture must have at most 63 pixels, but got 8 x 8"):
        reading.decode_picture(io.BytesIO(content), most_pixels=63)
    with pytest.raises(ValueError, match=r"^not a picture that can be read"):
        reading.decode_picture(io.BytesIO(content), most_pixels=64, formats=("JPEG",))


def test_contrast_is_the_standard_deviation() -> None:
    values = np.random.default_rng(0).random((32, 48, 3)).astype(np.float32)
    np.testing.assert_allclose(contrasts(values), values.std(axis=(0, 1)), rtol=1e-5)


@pytest.mark.parametrize("mode", ["RGB", "P", "1", "L", "RGBA", "I;16"])
def test_a_large_picture_is_shrunk_with_its_shape_and_means(mode: str) -> None:
    halves = np.zeros((40, 60), np.uint8)
    halves[:, 30:] = 255
    deep = Image.fromarray(halves.astype(np.uint16) * 257)
    picture, stream = deep if mode == "I;16" else Image.fromarray(halves).convert(mode), io.BytesIO()
    picture.save(stream, "PNG")
    found = unit_samples(reading.decode_picture(stream, most_pixels=10_000, longest_side=30))
    assert found.shape[:2] == (20, 30)
    np.testing.assert_allclose(found[:, :12], 0, atol=0.02)
    np.testing.assert_allclose(found[:, 18:], 1, atol=0.02)


def test_a_large_photo_is_turned_and_shrunk() -> None:
    stream, turned = io.BytesIO(), Image.Exif()
    turned[0x0112] = 6  # EXIF's orientation: to be turned by a quarter
    Image.new("RGB", (60, 40)).save(stream, "JPEG", exif=turned)
    assert reading.decode_picture(stream, most_pixels=10_000, longest_side=30).shape == (30, 20, 3)
