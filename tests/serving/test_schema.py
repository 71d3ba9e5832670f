"""schema.json says what the code does: limits, names, and which requests are refused."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.fuzz_serving import validator
from serving import requests
from serving.body import MOST_BODY_BYTES
from serving.fields import LARGEST_LATENT
from serving.images import MOST_IMAGE_BYTES, MOST_IMAGE_PIXELS
from serving.refusals import CODES, Refusal
from serving.requests import COLUMNS, FORMATS, PARAMS, Options, parse_options
from serving.schema import EXAMPLE_PARAMS, EXAMPLE_ROW, json_schema, signature
from tests.serving.conftest import ROOT
from wallpaper.plane import GROUP_NAMES
from wallpaper.plane.routes import ROUTES

DEFINITIONS = json_schema()["$defs"]


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_names_and_limits_are_the_code_s() -> None:
    row, params = DEFINITIONS["row"]["properties"], DEFINITIONS["params"]["properties"]
    assert tuple(row) == COLUMNS
    assert set(params) == set(PARAMS)
    assert DEFINITIONS["group"]["enum"] == list(GROUP_NAMES)
    assert DEFINITIONS["request"]["properties"]["dataframe_records"]["maxItems"] == requests.MOST_ROWS
    bounds = {"n_frames": requests.N_FRAMES, "size": requests.SIZES, "cells": requests.CELLS}
    assert {name: (params[name]["minimum"], params[name]["maximum"]) for name in bounds} == bounds
    assert (row["seed"]["minimum"], row["seed"]["maximum"]) == requests.SEEDS
    assert params["format"]["enum"] == [*FORMATS, None]
    assert params["route"]["enum"] == [*ROUTES, None]
    assert {name: each["default"] for name, each in params.items()} == {
        name: getattr(Options(), name) for name in PARAMS
    }
    for number in (MOST_IMAGE_BYTES, MOST_IMAGE_PIXELS):
        assert str(number) in row["image"]["description"]
    assert str(MOST_BODY_BYTES) in DEFINITIONS["request"]["description"]


@pytest.mark.parametrize("name", PARAMS)
@given(
    value=st.none()
    | st.booleans()
    | st.integers(-2, 1100)
    | st.floats(-2, 10)
    | st.sampled_from([*FORMATS, *ROUTES, "x"])
)
def test_a_parameter_is_taken_just_where_the_schema_allows_it(name: str, value: Any) -> None:
    allowed = validator("params").is_valid({name: value})
    try:
        parse_options({name: value})
        assert allowed
    except Refusal:
        assert not allowed


def test_the_signature_has_the_same_names() -> None:
    found = signature()
    assert found.inputs.input_names() == list(COLUMNS)
    assert found.inputs.required_input_names() == ["source_group", "target_group"]
    assert {param.name: param.default for param in found.params.params} == {
        name: getattr(Options(), name) for name in PARAMS
    }


def test_the_example_is_allowed() -> None:
    validator("request").validate({"dataframe_records": [EXAMPLE_ROW], "params": EXAMPLE_PARAMS})


def test_the_documentation_names_every_limit() -> None:
    text = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
    for what, limit in {
        "body": f"{MOST_BODY_BYTES} bytes",
        "rows": f"1 to {requests.MOST_ROWS}",
        "rows with an image": f"{requests.MOST_IMAGES}",
        "image": f"{MOST_IMAGE_BYTES} bytes, {MOST_IMAGE_PIXELS} pixels, PNG or JPEG",
        "`n_frames`": "{} to {}, and at least the groups of the route".format(*requests.N_FRAMES),
        "rows * n_frames": f"{requests.MOST_FRAMES}",
        "`size`": "{} to {}".format(*requests.SIZES),
        "rows * n_frames * size^2": f"{requests.MOST_PIXELS}, unless `format` is `latent`",
        "`cells`": "{:g} to {:g}".format(*requests.CELLS),
        "`seed`": "{} to {}".format(*requests.SEEDS),
        "numbers of a latent": f"-{LARGEST_LATENT:g} to {LARGEST_LATENT:g}",
    }.items():
        assert f"| {what} | {limit} |\n" in text
    for status, code in CODES.items():
        assert f"| {status} | `{code}` |" in text
