"""Pictures that people give to start from: photos of telephones are taken, bombs and nonsense are not."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dashboard.making import RefusedPictureError, read_start, uploads
from wallpaper.judge import Analysis, analyse
from wallpaper.patterns import generate_pattern
from wallpaper.pictures.render import render


def png(array: np.ndarray[Any, Any]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"no picture", "not a whole PNG"),
        (b"\x89PNG\r\n\x1a\n" + b"0" * 99, "not a whole PNG"),
        (b"0" * (16 * 2**20 + 1), "at most 16 MB and 50 megapixels"),
        (png(np.full((64, 64, 3), 90, np.uint8)), "no contrast"),
    ],
    ids=["text", "damaged", "large", "flat"],
)
def test_what_is_no_start_is_refused_in_a_sentence(content: bytes, why: str) -> None:
    with pytest.raises(RefusedPictureError, match=why):
        read_start(content, 32)


def test_a_photo_of_a_telephone_is_taken_upright(monkeypatch: pytest.MonkeyPatch) -> None:
    pattern, stream, turned = generate_pattern("pmm", 2, 96), io.BytesIO(), Image.Exif()
    upright = render(pattern.pixels, pattern.lattice, size=760, cells=4.0)[:, :570]
    turned[0x0112] = 6  # EXIF's orientation: to be turned by a quarter
    photo = Image.fromarray(np.rot90(upright)).resize((4032, 3024), Image.Resampling.BICUBIC)
    photo.save(stream, "JPEG", quality=92, exif=turned)
    judged: list[tuple[int, ...]] = []

    def judge(array: np.ndarray[Any, Any], *, side: int) -> Analysis:
        judged.append(array.shape)
        return analyse(array, side=side)

    monkeypatch.setattr(uploads, "analyse", judge)
    start = read_start(stream.getvalue(), 32)
    assert judged == [(2048, 1536, 3)]
    assert start.group == "pmm"
    expected = pattern.lattice.scaled(4032 / 4 / pattern.lattice.area**0.5)  # four cells across
    assert sorted((start.certificate.lattice.a, start.certificate.lattice.b)) == pytest.approx(
        sorted((expected.a, expected.b)), rel=0.02
    )


def test_a_bomb_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.BytesIO()
    Image.new("1", (9000, 9000)).save(stream, "PNG")
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(RefusedPictureError, match="at most 16 MB and 50 megapixels"):
        read_start(stream.getvalue(), 32)
