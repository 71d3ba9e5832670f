"""Requests good and bad, without MLflow or a model."""

from __future__ import annotations

import base64
import io
import math
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from serving.requests import (
    MOST_IMAGE_BYTES,
    MOST_ROWS,
    BadRequest,
    Options,
    decode_image,
    parse_options,
    parse_requests,
    reduce,
)

N = 32
ROW = {"source_group": "p1", "target_group": "p6m"}


def png(pixels: NDArray[np.generic], **options: Any) -> str:
    with io.BytesIO() as stream:
        Image.fromarray(pixels, **options).save(stream, format="PNG")
        return base64.b64encode(stream.getvalue()).decode()


def noise(side: int) -> NDArray[np.uint8]:
    return np.random.default_rng(side).integers(0, 256, (side, side, 3), dtype=np.uint8)


def huge_png(side: int) -> str:
    """A valid header of a huge image in few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    header = side.to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    data = zlib.compress(bytes(10**6))
    whole = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return base64.b64encode(whole).decode()


def test_what_is_not_given_has_its_default() -> None:
    assert parse_options(None) == Options(16, "png", 256, 2.5)
    assert parse_options({"n_frames": None, "format": None}) == Options()
    (request,) = parse_requests([ROW], Options(), N)
    assert (request.source, request.target, request.seed, request.image) == ("p1", "p6m", 0, None)


@pytest.mark.parametrize("seed", ["7", 7, 7.0, np.int64(7), " 7 "])
def test_a_seed_may_be_a_number_or_its_text(seed: object) -> None:
    (request,) = parse_requests([{**ROW, "seed": seed}], Options(), N)
    assert request.seed == 7


@pytest.mark.parametrize("gap", [None, math.nan])
def test_gaps_of_a_table_are_not_values(gap: object) -> None:
    (request,) = parse_requests([{**ROW, "seed": gap, "image": gap}], Options(), N)
    assert (request.seed, request.image) == (0, None)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_frames": 1}, "n_frames: must be an integer from 2 to 240, but got 1"),
        ({"n_frames": 241}, "n_frames: must be an integer from 2 to 240, but got 241"),
        ({"n_frames": 2.5}, "n_frames: must be an integer from 2 to 240, but got 2.5"),
        ({"n_frames": True}, "n_frames: must be an integer from 2 to 240, but got True"),
        ({"n_frames": math.inf}, "n_frames: must be an integer from 2 to 240, but got inf"),
        ({"size": 63}, "size: must be an integer from 64 to 1024, but got 63"),
        ({"size": "9" * 5000}, "size: must be an integer from 64 to 1024, but got '9999"),
        ({"cells": 0.1}, "cells: must be a number from 0.5 to 8, but got 0.1"),
        ({"cells": math.nan}, "cells: must be a number from 0.5 to 8, but got nan"),
        ({"cells": "2"}, "cells: must be a number from 0.5 to 8, but got '2'"),
        ({"format": "webm"}, "format: must be one of png, gif, mp4, strip, latent, but got 'webm'"),
        ({"format": ["png"]}, "format: must be one of png, gif, mp4, strip, latent, but got ['png']"),
    ],
)
def test_bad_parameters_are_named(params: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_options(params)
    assert str(caught.value).startswith(message)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"source_group": "p5", "target_group": "p4"}, "source_group: must be one of p1, p2, pm"),
        ({"source_group": "P6M", "target_group": "p4"}, "source_group: must be one of p1"),
        ({"source_group": 4, "target_group": "p4"}, "source_group: must be one of p1"),
        ({"source_group": ["p1"], "target_group": "p4"}, "source_group: must be one of p1"),
        ({"source_group": "x" * 10**6, "target_group": "p4"}, "source_group: must be one of p1"),
        ({"source_group": "p1"}, "target_group: must be given, one of p1"),
        ({"source_group": None, "target_group": "p4"}, "source_group: must be given"),
        (
            {"source_group": "p4", "target_group": "p4"},
            "target_group: must differ from source_group, but both are 'p4'",
        ),
        ({**ROW, "seed": "seven"}, "seed: must be an integer from 0 to 4294967295, but got 'seven'"),
        ({**ROW, "seed": "-1"}, "seed: must be an integer from 0 to 4294967295, but got '-1'"),
        ({**ROW, "seed": 1.5}, "seed: must be an integer"),
        ({**ROW, "seed": "²"}, "seed: must be an integer"),
        ({**ROW, "seed": "1", "image": "x"}, "seed: must be left out when there is an image"),
        ({**ROW, "image": 5}, "image: must be the base64 text of a PNG, but got 5"),
        ({**ROW, "image": ""}, "image: must be a whole PNG file, but got 0 bytes"),
        ({**ROW, "image": "not base64!"}, "image: must be the base64 text of a PNG, but got 'not base64!'"),
        ({**ROW, "image": "é" * 100}, "image: must be the base64 text of a PNG, but got"),
        ({**ROW, "image": "aGVsbG8="}, "image: must be a whole PNG file, but got 5 bytes that are none"),
        ({**ROW, "image": "A" * (2 * MOST_IMAGE_BYTES)}, "image: must be at most 4194304 bytes, but got about 6291456"),
        ({**ROW, "image": png(noise(N + 1))}, "image: must be one square cell of 32 x 32 pixels, or a multiple"),
        ({**ROW, "image": png(noise(64)[:32])}, "image: must be one square cell of 32 x 32 pixels"),
        ({**ROW, "image": huge_png(32 * 280)}, "image: must be one square cell of 32 x 32 pixels"),
        ({**ROW, "image": huge_png(32 * 10**6)}, "image: must be "),
        ({**ROW, "image": png(noise(N).astype(np.uint16)[..., 0] * 256)}, "image: must have 8 bits for each colour"),
        ({**ROW, "image": png(noise(N))[:200]}, "image: must be a whole PNG file"),
    ],
    ids=lambda value: None if isinstance(value, dict) else value[:40],
)
def test_bad_rows_are_named_in_one_short_sentence(row: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_requests([row], Options(), N)
    assert str(caught.value).startswith(message)
    assert len(str(caught.value)) < 300, "an error must not send the request back"


def test_a_near_miss_is_hinted_at() -> None:
    with pytest.raises(BadRequest, match=r"but got 'p3ml'; did you mean 'p3m1'\?"):
        parse_requests([{"source_group": "p3ml", "target_group": "p4"}], Options(), N)


def test_the_row_is_named_where_there_are_several() -> None:
    with pytest.raises(BadRequest, match=r"^row 1, target_group: must be one of"):
        parse_requests([ROW, {**ROW, "target_group": "p7"}], Options(), N)


@pytest.mark.parametrize("count", [0, MOST_ROWS + 1])
def test_the_number_of_rows_is_bounded(count: int) -> None:
    with pytest.raises(BadRequest, match=f"rows: must be between 1 and 64, but got {count}"):
        parse_requests([ROW] * count, Options(n_frames=2, size=64), N)


def test_the_pixels_of_a_request_are_bounded_and_latents_are_free() -> None:
    big = {"n_frames": 240, "size": 1024}
    with pytest.raises(BadRequest, match=r"but got 1 \* 240 \* 1024\^2 = 251658240; ask for fewer or smaller frames"):
        parse_requests([ROW], parse_options(big), N)
    assert parse_requests([ROW], parse_options({**big, "format": "latent"}), N)


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
def test_an_image_arrives_as_it_was(prefix: str) -> None:
    pixels = noise(N)
    np.testing.assert_array_equal(decode_image(prefix + png(pixels), N), pixels)


def test_grey_and_transparent_images_are_read_as_colours() -> None:
    grey = noise(N)[..., 0]
    np.testing.assert_array_equal(decode_image(png(grey), N), np.stack([grey] * 3, -1))
    clear = np.concatenate([noise(N), np.zeros((N, N, 1), np.uint8)], axis=2)
    np.testing.assert_array_equal(decode_image(png(clear), N), noise(N))


@pytest.mark.parametrize("factor", [2, 3])
def test_a_larger_cell_is_reduced_around_its_samples(factor: int) -> None:
    """A low harmonic sampled finely is the same harmonic sampled coarsely, a little flatter: nothing moves."""
    fine, coarse = np.arange(N * factor) / (N * factor), np.arange(N) / N
    wave = 127.5 + 100 * np.cos(2 * np.pi * (fine - 0.1))
    reduced = reduce(np.broadcast_to(wave[:, None, None], (len(fine), len(fine), 3)).astype(np.uint8), N)
    expected = np.broadcast_to((127.5 + 100 * np.cos(2 * np.pi * (coarse - 0.1)))[:, None, None], reduced.shape)
    assert np.abs(reduced - expected).max() < 3  # half a grey level of rounding twice, and 1 % of the amplitude
    white = np.full((N * factor, N * factor, 3), 255, np.uint8)
    np.testing.assert_array_equal(reduce(white, N), white[:N, :N])
