"""Rows and parameters good and bad, without MLflow or a model."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import numpy as np
import pytest

from serving.images import AUTO, MOST_IMAGE_BYTES
from serving.refusals import Refusal
from serving.requests import MOST_IMAGES, MOST_ROWS, Limits, Options, parse_options, parse_requests
from tests.serving.conftest import picture_text

D = 4
LIMITS = Limits(D, {"p1-0": "p1", "p4-0": "p4", "p4-1": "p4"})
ROW = {"source_group": "p1", "target_group": "p6m"}
SMALL = Options(n_frames=4, size=64)
LATENT = [0.5, -1.0, 2.0, 0.25]
PICTURE = picture_text(np.zeros((8, 8, 3), np.uint8))


def encoded(numbers: list[float]) -> str:
    return base64.b64encode(np.array(numbers, "<f4").tobytes()).decode()


def refusal(*rows: dict[str, Any], options: Options = SMALL) -> Refusal:
    with pytest.raises(Refusal) as caught:
        parse_requests(rows, options, LIMITS)
    assert len(str(caught.value)) < 400, "an error must not send the request back"
    return caught.value


def test_what_is_not_given_has_its_default() -> None:
    assert parse_options(None) == Options(16, "png", 256, 2.5, "direct", False)
    assert parse_options({"n_frames": None, "format": None, "certify": None}) == Options()
    (request,) = parse_requests([ROW], SMALL, LIMITS)
    assert (request.source, request.target, request.seed) == ("p1", "p6m", 0)
    assert (request.image, request.sample_id, request.latent) == (None, None, None)


def test_what_is_given_is_taken() -> None:
    given = {"n_frames": 240, "format": "strip", "size": 64, "cells": 1, "route": "widest", "certify": True}
    assert parse_options(given) == Options(240, "strip", 64, 1.0, "widest", True)


@pytest.mark.parametrize("seed", ["7", 7, 7.0, np.int64(7), " 7 "])
def test_a_seed_may_be_a_number_or_its_text(seed: object) -> None:
    (request,) = parse_requests([{**ROW, "seed": seed}], SMALL, LIMITS)
    assert request.seed == 7


@pytest.mark.parametrize("gap", [None, math.nan])
def test_gaps_of_a_table_are_not_values(gap: object) -> None:
    (request,) = parse_requests([{**ROW, "seed": gap, "image": gap, "latent": gap}], SMALL, LIMITS)
    assert (request.seed, request.image) == (0, None)


@pytest.mark.parametrize("latent", [LATENT, json.dumps(LATENT), encoded(LATENT), np.array(LATENT)], ids=type)
def test_a_latent_comes_as_a_list_as_its_text_or_as_the_bytes_of_an_answer(latent: object) -> None:
    (request,) = parse_requests([{**ROW, "latent": latent}], SMALL, LIMITS)
    np.testing.assert_array_equal(request.latent, np.float32(LATENT))


@pytest.mark.parametrize("source", ["p4", AUTO])
def test_a_sample_brings_its_group(source: str) -> None:
    (request,) = parse_requests([{"source_group": source, "target_group": "p4m", "sample_id": "p4-1"}], SMALL, LIMITS)
    assert (request.source, request.sample_id, request.seed) == ("p4", "p4-1", None)


@pytest.mark.parametrize("source", ["p4", AUTO])
def test_an_image_is_decoded_before_anything_is_answered(source: str) -> None:
    (request,) = parse_requests([{"source_group": source, "target_group": "p4m", "image": PICTURE}], SMALL, LIMITS)
    assert request.source == source
    assert request.image is not None
    assert request.image.shape == (8, 8, 3)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_frames": 1}, "n_frames: must be an integer from 2 to 240, but got 1"),
        ({"n_frames": 241}, "n_frames: must be an integer from 2 to 240, but got 241"),
        ({"n_frames": 2.5}, "n_frames: must be an integer from 2 to 240, but got 2.5"),
        ({"n_frames": "16"}, "n_frames: must be an integer from 2 to 240, but got '16'"),
        ({"n_frames": True}, "n_frames: must be an integer from 2 to 240, but got true"),
        ({"n_frames": math.inf}, "n_frames: must be an integer from 2 to 240, but got inf"),
        ({"n_frames": 10**4000}, "n_frames: must be an integer from 2 to 240, but got 1000"),
        ({"size": 63}, "size: must be an integer from 64 to 1024, but got 63"),
        ({"size": "9" * 5000}, "size: must be an integer from 64 to 1024, but got '9999"),
        ({"size": [64]}, "size: must be an integer from 64 to 1024, but got a list of 1"),
        ({"cells": 0.1}, "cells: must be a number from 0.5 to 8, but got 0.1"),
        ({"cells": math.nan}, "cells: must be a number from 0.5 to 8, but got nan"),
        ({"cells": "2"}, "cells: must be a number from 0.5 to 8, but got '2'"),
        ({"format": "webm"}, "format: must be one of png, gif, mp4, strip, latent, but got 'webm'"),
        ({"format": ["png"]}, "format: must be one of png, gif, mp4, strip, latent, but got a list of 1"),
        ({"route": "widets"}, "route: must be one of direct, widest, but got 'widets'; did you mean 'widest'?"),
        ({"certify": 1}, "certify: must be true or false, but got 1"),
        ({"frames": 3}, "'frames': no parameter has this name; allowed are n_frames, format, size, cells, route, cer"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_parameters_are_named(params: dict[str, Any], message: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse_options(params)
    assert str(caught.value).startswith(message)
    assert len(str(caught.value)) < 300
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"source_group": "p5", "target_group": "p4"}, "source_group: must be one of p1, p2, pm"),
        ({"source_group": "P6M", "target_group": "p4"}, "source_group: must be one of p1"),
        ({"source_group": 4, "target_group": "p4"}, "source_group: must be one of p1"),
        ({"source_group": ["p1"], "target_group": "p4"}, "source_group: must be one of p1"),
        ({"source_group": "x" * 10**6, "target_group": "p4"}, "source_group: must be one of p1"),
        ({"source_group": "p1"}, "target_group: must be given, one of p1"),
        ({"source_group": "p1", "target_group": "auto"}, "target_group: must be one of p1"),
        ({"source_group": None, "target_group": "p4"}, "source_group: must be given"),
        ({"source_group": "p4", "target_group": "p4"}, "target_group: must differ from source_group, but both are 'p4"),
        (
            {"source_group": AUTO, "target_group": "p4", "sample_id": "p4-0"},
            "target_group: must differ from source_gro",
        ),
        ({"source_group": AUTO, "target_group": "p4"}, "source_group: must be a group, since 'auto' needs an image or"),
        ({"source_group": AUTO, "target_group": "p4", "latent": LATENT}, "source_group: must be a group, since 'auto'"),
        ({**ROW, "seed": "seven"}, "seed: must be an integer from 0 to 4294967295, but got 'seven'"),
        ({**ROW, "seed": "-1"}, "seed: must be an integer from 0 to 4294967295, but got '-1'"),
        ({**ROW, "seed": 1.5}, "seed: must be an integer"),
        ({**ROW, "seed": "²"}, "seed: must be an integer"),
        ({**ROW, "seed": "1", "image": "x"}, "seed: must be left out when there is image"),
        ({**ROW, "latent": "x", "sample_id": "x"}, "latent: must be left out when there is sample_id"),
        ({**ROW, "sample": "p4-0"}, "'sample': no field of a row has this name; allowed are source_group, target_gro"),
        ({**ROW, "sample_id": "p4-0"}, "source_group: must be p4, the group of sample 'p4-0', or 'auto', but got 'p1'"),
        ({**ROW, "sample_id": 3}, "sample_id: must be text such as 'p4m-0', but got 3"),
        ({**ROW, "latent": [1.0, 2.0]}, "latent: must be 4 numbers, as a list or as the base64 text of little-endian"),
        ({**ROW, "latent": [1.0, 2.0, None, 4.0]}, "latent: must be 4 numbers"),
        ({**ROW, "latent": [1.0, 2.0, "3", 4.0]}, "latent: must be 4 numbers"),
        ({**ROW, "latent": [1.0, 2.0, True, 4.0]}, "latent: must be 4 numbers"),
        ({**ROW, "latent": [1.0, 2.0, 1001, 4.0]}, "latent: every number must be from -1000 to 1000, but got 1001 at"),
        ({**ROW, "latent": [1.0, 2.0, 10**400, 4.0]}, "latent: every number must be from -1000 to 1000, but got inf"),
        ({**ROW, "latent": encoded([1, math.nan, 1, 1])}, "latent: every number must be from -1000 to 1000, but got n"),
        ({**ROW, "latent": encoded([1, 2])}, "latent: must be 4 numbers, as a list or as the base64 text of little-e"),
        ({**ROW, "latent": "[1, 2,"}, "latent: must be 4 numbers"),
        ({**ROW, "latent": "[" * 150}, "latent: must be 4 numbers"),
        ({**ROW, "latent": {"data": ""}}, "latent: must be 4 numbers"),
        ({**ROW, "image": 5}, "image: must be the base64 text of a PNG or JPEG, but got 5"),
        ({**ROW, "image": ""}, "image: must be a whole PNG or JPEG file, but got 0 bytes"),
        ({**ROW, "image": "not base64!"}, "image: must be the base64 text of a PNG or JPEG, but got 'not base64!'"),
        ({**ROW, "image": "é" * 100}, "image: must be the base64 text of a PNG or JPEG, but got"),
    ],
    ids=lambda value: None if isinstance(value, dict) else value[:40],
)
def test_bad_rows_are_named_in_one_short_sentence(row: dict[str, Any], message: str) -> None:
    found = refusal(row)
    assert str(found).startswith(message)
    assert found.status == 400


def test_a_sample_that_is_not_there_is_not_found() -> None:
    found = refusal({"source_group": "p4", "target_group": "p1", "sample_id": "p4-9"})
    assert found.status == 404
    assert str(found) == ("sample_id: no sample is 'p4-9'; the model keeps 3, p1-0 to p4-1; did you mean 'p4-1'?")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A" * 4 * MOST_IMAGE_BYTES, "about 12582912"),  # from its length alone
        (base64.b64encode(bytes(MOST_IMAGE_BYTES + 1)).decode(), "4194305"),
    ],
    ids=["far", "just"],
)
def test_an_image_s_bytes_are_bounded(text: str, found: str) -> None:
    error = refusal({**ROW, "image": text})
    assert (error.status, str(error)) == (413, f"image: must be at most 4194304 bytes, but got {found}")


def test_a_near_miss_is_hinted_at() -> None:
    assert str(refusal({"source_group": "p3ml", "target_group": "p4"})).endswith("got 'p3ml'; did you mean 'p3m1'?")


def test_the_row_is_named_where_there_are_several() -> None:
    assert str(refusal(ROW, {**ROW, "target_group": "p7"})).startswith("row 1, target_group: must be one of")


def test_every_group_of_a_route_needs_a_frame() -> None:
    row = {"source_group": "cm", "target_group": "p3"}
    found = refusal(row, options=Options(n_frames=2, route="widest"))
    assert str(found) == "n_frames: must be at least 3 to show each group of the route cm to p3m1 to p3, but got 2"
    assert parse_requests([row], Options(n_frames=3, route="widest"), LIMITS)
    assert parse_requests([row], Options(n_frames=2), LIMITS)


@pytest.mark.parametrize(("count", "status"), [(0, 400), (MOST_ROWS + 1, 413), (10_000, 413)])
def test_the_number_of_rows_is_bounded(count: int, status: int) -> None:
    found = refusal(*[ROW] * count)
    assert (str(found), found.status) == (f"rows: must be between 1 and 64, but got {count}", status)


def test_images_are_bounded_before_one_is_decoded() -> None:
    found = refusal(*[{**ROW, "image": "no picture"}] * (MOST_IMAGES + 1))
    assert (str(found), found.status) == ("image: must be in at most 4 rows of a request, but got 5", 413)


def test_the_frames_of_a_request_are_bounded() -> None:
    found = refusal(*[ROW] * 3, options=Options(n_frames=240, format="latent"))
    assert str(found) == "rows * n_frames: must be at most 512, but got 3 * 240 = 720; ask for fewer frames"
    assert found.status == 413


def test_the_pixels_of_a_request_are_bounded_and_latents_are_free() -> None:
    found = refusal(ROW, options=Options(n_frames=240, size=1024))
    assert "but got 1 * 240 * 1024^2 = 251658240; ask for fewer or smaller frames" in str(found)
    assert found.status == 413
    assert parse_requests([ROW], Options(n_frames=240, size=1024, format="latent"), LIMITS)
