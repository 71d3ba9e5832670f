"""Requests that nobody would send, until one is answered wrongly.

    python -m benchmarks.fuzz_serving --port 5001 --minutes 10

Hypothesis draws them: rows and parameters near the allowed ones, arbitrary JSON, broken bytes, damaged pictures. An
answer must be whole and fit serving/schema.json, or be a refusal: a known status and one short sentence.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import io
import json
import sys
import time
from collections import Counter
from functools import cache
from typing import Any

import jsonschema  # type: ignore[import-untyped]
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from serving.refusals import CODES
from serving.requests import COLUMNS, FORMATS, PARAMS, STARTS
from serving.schema import json_schema
from wallpaper.patterns import generate_pattern
from wallpaper.pictures.render import render
from wallpaper.plane import GROUP_NAMES
from wallpaper.plane.routes import ROUTES

LONGEST_MESSAGE = 600
ALL_CHECKS = list(HealthCheck)
LEAKS = ("Traceback", "site-packages", ".py", 'File "')


def check(status: int, text: str) -> None:
    """Raises: AssertionError: this is no answer that a client may get."""
    found = json.loads(text)
    if status == 200:
        validator("response").validate(found)
        return
    assert status in CODES, text[:500]
    assert status != 500, text[:500]
    validator("error").validate(found)
    assert found["error_code"] == CODES[status]
    assert len(found["message"]) <= LONGEST_MESSAGE, found["message"][:1000]
    assert "\n" not in found["message"], found["message"]
    assert not [leak for leak in LEAKS if leak in found["message"]], found["message"]


@cache
def validator(name: str) -> Any:
    """Of one of the definitions in serving/schema.json."""
    return jsonschema.Draft202012Validator({**json_schema(), "$ref": f"#/$defs/{name}"})


@cache
def _picture(form: str) -> bytes:
    pattern = generate_pattern("p4", 1, 32)
    with io.BytesIO() as stream:
        Image.fromarray(render(pattern.pixels, pattern.lattice, size=96, cells=3)).save(stream, format=form)
        return stream.getvalue()


def _damaged(content: bytes, place: float, change: bytes, cut: bool) -> bytes:
    at = int(place * len(content))
    return content[:at] if cut else content[:at] + change + content[at + len(change) :]


def _mostly(usual: st.SearchStrategy[Any], *rare: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Nine times in ten the first."""
    return st.integers(0, 10 * len(rare) - 1).flatmap(lambda k: rare[k] if k < len(rare) else usual)


_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_json = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)
_hard = st.sampled_from(
    [10**400, -1, 0, 2**63, 1e308, -1e-320, "", "\ud800", "\x00", "x" * 10**5, "p4" * 100, [], {}, "²"]
)
_groups = st.sampled_from([*GROUP_NAMES, "auto"])
_damage = st.builds(
    _damaged,
    st.sampled_from(["PNG", "JPEG"]).map(_picture),
    st.floats(0, 1),
    st.binary(max_size=8),
    st.booleans(),
)


def _whole_image(form: str) -> str:
    return base64.b64encode(_picture(form)).decode("ascii")


_images = _damage.map(lambda content: base64.b64encode(content).decode("ascii"))
_fields: dict[str, st.SearchStrategy[Any]] = {
    "source_group": _groups,
    "target_group": _groups,
    "image": _mostly(st.sampled_from(["PNG", "JPEG"]).map(_whole_image), _images, _images, _images),
    "sample_id": st.sampled_from(["p4-0", "p1-2", "p6m-1", "p6m-99"]),
    "seed": st.integers(0, 99),  # few: each is drawn anew
    "latent": st.lists(st.floats(-5, 5), min_size=4, max_size=4)
    | st.binary(max_size=20).map(lambda b: base64.b64encode(b).decode()),
}
_options: dict[str, st.SearchStrategy[Any]] = {
    "n_frames": st.integers(2, 6),
    "format": st.sampled_from(FORMATS),
    "size": st.integers(64, 80),
    "cells": st.floats(0.5, 8),
    "route": st.sampled_from(ROUTES),
    "certify": st.booleans(),
}
assert tuple(_fields) == COLUMNS
assert set(_options) == set(PARAMS)


def _near(values: dict[str, st.SearchStrategy[Any]], needed: tuple[str, ...] = ()) -> st.SearchStrategy[dict[str, Any]]:
    """Objects of mostly allowed values; now and then any value, and any name."""
    mixed = {name: _mostly(value, _hard, _json) for name, value in values.items()}
    required = {name: mixed.pop(name) for name in needed}
    near = st.fixed_dictionaries(required, optional=mixed)
    strange = st.dictionaries(st.text(), _json, max_size=2)
    return _mostly(near, st.builds(lambda usual, more: {**usual, **more}, near, strange))


def _with_one_start(row: dict[str, Any], start: str) -> dict[str, Any]:
    """Rows with two starts, or with another group than the start's, are refused for that alone."""
    kept = {name: value for name, value in row.items() if name not in STARTS or name == start}
    fitting = "auto" if start in ("image", "sample_id") and start in kept else "p1"
    return kept | ({"source_group": fitting} if row["source_group"] in ["auto", *GROUP_NAMES[:12]] else {})


_any_row = _near(_fields, ("source_group", "target_group"))
_row = _mostly(st.builds(_with_one_start, _any_row, st.sampled_from(STARTS)), _any_row)
_rows = _mostly(st.lists(_row, min_size=1, max_size=3), _json)
_records = st.fixed_dictionaries({"dataframe_records": _rows})
_tables = _mostly(
    _records,
    st.fixed_dictionaries({"inputs": _row | _rows}),
    st.fixed_dictionaries({"instances": _rows}),
    st.fixed_dictionaries({"dataframe_split": _json}),
)
_whole = st.builds(lambda table, params: {**table, "params": params}, _tables, _mostly(_near(_options), _json))
_text = _mostly(_whole, _json).map(lambda found: json.dumps(found).encode())
bodies = _mostly(_text, st.builds(_damaged, _text, st.floats(0, 1), st.binary(max_size=4), st.booleans()), st.binary())
"""Bodies of requests, from allowed ones to bytes."""

content_types = _mostly(
    st.just("application/json"),
    st.sampled_from(
        ["application/json; charset=utf-8", "application/json; charset=latin-1", "text/csv", "", "a/b; q=1"]
    ),
)


def post(connection: http.client.HTTPConnection, body: bytes, content_type: str) -> tuple[int, str]:
    """Status and text of an answer."""
    connection.request("POST", "/invocations", body, {"Content-Type": content_type})
    answer = connection.getresponse()
    return answer.status, answer.read().decode("utf-8")


def main() -> int:
    """Ask a server until the time is over; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=5001, help="of a server on this machine")
    parser.add_argument("--minutes", type=float, default=10.0)
    arguments = parser.parse_args()
    deadline, seen = time.monotonic() + 60 * arguments.minutes, Counter[int]()

    @settings(max_examples=200, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=ALL_CHECKS)
    @given(body=bodies, content_type=content_types)
    def ask(body: bytes, content_type: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", arguments.port, timeout=120)
        try:
            status, text = post(connection, body, content_type)
            seen[status] += 1
            check(status, text)
        except Exception:
            print(f"Content-Type: {content_type}\n{body[:4000]!r}")
            raise
        finally:
            connection.close()

    found = "none was answered wrongly"
    while time.monotonic() < deadline and found.startswith("none"):
        try:
            ask()
        except Exception as error:
            found = f"the last was answered wrongly: {error}"
    answers = ", ".join(f"{status}: {count}" for status, count in sorted(seen.items()))
    print(f"{sum(seen.values())} requests, {answers}; {found}")
    return 0 if found.startswith("none") else 1


if __name__ == "__main__":
    sys.exit(main())
