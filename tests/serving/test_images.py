"""A client's pictures: decoded within limits, analysed into the cell that they show, as seen and not mirrored."""

from __future__ import annotations

import base64
import itertools
import tracemalloc
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from serving.images import AUTO, MOST_IMAGE_PIXELS, decode_image, find_cell
from serving.refusals import Refusal
from tests.serving.conftest import picture_text
from wallpaper.patterns import generate_pattern
from wallpaper.pictures.render import render
from wallpaper.plane import plane_group

N = 32


def noise(side: int) -> NDArray[np.uint8]:
    return np.random.default_rng(side).integers(0, 256, (side, side, 3), dtype=np.uint8)


def png_header(width: int, height: int) -> str:
    """A valid PNG up to its pixels, of which there are too few."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    data = zlib.compress(bytes(10**7))
    whole = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return base64.b64encode(whole).decode()


def refusal(value: object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        decode_image(value)
    assert len(str(caught.value)) < 300
    return caught.value


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
@pytest.mark.parametrize("separator", ["", "\n"])
def test_a_png_arrives_as_it_was(prefix: str, separator: str) -> None:
    text = picture_text(noise(N))
    lines = separator.join(text[start : start + 76] for start in range(0, len(text), 76))
    np.testing.assert_array_equal(decode_image(prefix + lines), noise(N))


def test_a_jpeg_arrives_about_as_it_was() -> None:
    smooth = render(generate_pattern("p4", 1, N).pixels, generate_pattern("p4", 1, N).lattice, size=64, cells=1)
    found = decode_image(picture_text(smooth, "JPEG", quality=95)).astype(float)
    assert np.abs(found - smooth).mean() < 6


@pytest.mark.parametrize("form", ["GIF", "TIFF", "WEBP", "BMP"])
def test_other_formats_are_not_tried(form: str) -> None:
    assert str(refusal(picture_text(noise(N), form))).startswith("image: must be a whole PNG or JPEG file, but got ")


def test_a_cut_picture_is_refused() -> None:
    content = base64.b64decode(picture_text(noise(N)))
    for end in (10, 50, len(content) // 2):
        found = refusal(base64.b64encode(content[:end]).decode())
        assert (str(found), found.status) == (
            f"image: must be a whole PNG or JPEG file, but got {end} bytes that are none",
            400,
        )


@pytest.mark.parametrize("size", [(2049, 2048), (20_000, 20_000), (2**31 - 1, 1)])
def test_a_bomb_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    text = png_header(*size)
    tracemalloc.start()
    try:
        found = refusal(text)
        assert tracemalloc.get_traced_memory()[1] < 2 * 10**6
    finally:
        tracemalloc.stop()
    assert found.status == 413
    assert str(found).startswith(f"image: a picture must have at most {MOST_IMAGE_PIXELS} pixels, but got ")


def likeness(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """The largest correlation over all shifts."""
    fa, fb = (np.fft.fft2(each - each.mean(axis=(0, 1)), axes=(0, 1)) for each in (a, b))
    power = float(np.sqrt((np.abs(fa) ** 2).sum() * (np.abs(fb) ** 2).sum()))
    return float(np.fft.ifft2((fa * fb.conj()).sum(axis=2)).real.max()) * a.shape[0] ** 2 / power


@pytest.mark.parametrize("group", ["p1", "p4", "p6", "cmm", "pgg"])
def test_the_cell_is_the_one_that_was_painted(group: str) -> None:
    pattern = generate_pattern(group, 4, 64)
    picture = render(pattern.pixels, pattern.lattice, size=400, cells=3.3, rotation=33)
    found = find_cell(picture, 64, AUTO)
    assert found.group == group
    assert found.lattice.meets(plane_group(group).system)
    assert found.lattice.area == pytest.approx(1)
    assert found.cells_in_view == pytest.approx(3.3**2, rel=0.02)
    i, j = np.meshgrid(np.arange(64), np.arange(64), indexing="ij")
    best = {-1: 0.0, 1: 0.0}
    for a, b, c, d in itertools.product((-1, 0, 1), repeat=4):
        determinant = a * d - b * c
        if determinant in best:
            moved = pattern.pixels[(a * i + b * j) % 64, (c * i + d * j) % 64] / 255
            best[determinant] = max(best[determinant], likeness(moved, found.cell))
    assert best[1] > 0.97
    if not any(op.det == -1 for op in plane_group(group).operations):
        assert best[-1] < 0.8, "a mirror image would be another pattern"


def test_another_group_than_the_image_s_is_refused() -> None:
    pattern = generate_pattern("p4g", 11, N)
    picture = render(pattern.pixels, pattern.lattice, size=320, cells=3.3)
    with pytest.raises(Refusal, match=r"^source_group: must be the image's group p4g \(probability [01]\.\d{3}\) or"):
        find_cell(picture, N, "p4")
    assert find_cell(picture, N, "p4g").group == "p4g"


@pytest.mark.parametrize(
    ("picture", "problem"),
    [
        (np.full((64, 64, 3), 9, np.uint8), "64 x 64 pixels with no contrast; The picture is one flat colour"),
        (noise(64), "64 x 64 pixels with no lattice found; Nothing repeats in two directions"),
        (noise(3)[:1], "3 x 1 pixels with no lattice found"),
    ],
    ids=["flat", "noise", "tiny"],
)
def test_a_picture_of_no_pattern_says_why(picture: NDArray[np.uint8], problem: str) -> None:
    with pytest.raises(Refusal) as caught:
        find_cell(picture, N, AUTO)
    assert caught.value.status == 422
    assert str(caught.value).startswith(f"image: must show a pattern that repeats, but got {problem}")


def test_grey_pictures_are_patterns_too() -> None:
    pattern = generate_pattern("p6m", 2, N)
    grey = np.asarray(Image.fromarray(render(pattern.pixels, pattern.lattice, size=320, cells=3.3)).convert("L"))
    found = find_cell(decode_image(picture_text(grey)), N, AUTO)
    assert (found.group, found.cell.shape) == ("p6m", (N, N, 3))
