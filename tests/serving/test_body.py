"""Bodies of requests: the tables that MLflow takes, and what is no table."""

from __future__ import annotations

import json
from typing import Any

import pytest

from serving.body import MOST_BODY_BYTES, parse_body
from serving.refusals import Refusal

JSON = "application/json"
A, B = {"source_group": "p1", "target_group": "p4"}, {"source_group": "p2", "target_group": "p6"}


def refusal(content: bytes, content_type: str | None = JSON) -> Refusal:
    with pytest.raises(Refusal) as caught:
        parse_body(content, content_type)
    assert len(str(caught.value)) < 300
    return caught.value


@pytest.mark.parametrize(
    "table",
    [
        {"dataframe_records": [A, B]},
        {"inputs": [A, B]},
        {"instances": [A, B]},
        {"inputs": {"source_group": ["p1", "p2"], "target_group": ["p4", "p6"]}},
        {"dataframe_split": {"columns": ["source_group", "target_group"], "data": [["p1", "p4"], ["p2", "p6"]]}},
        {"dataframe_split": {"columns": [*A], "index": [3, 4], "data": [[*A.values()], [*B.values()]]}},
    ],
    ids=lambda table: str(table)[:30],
)
def test_the_tables_of_mlflow_are_the_same_rows(table: dict[str, Any]) -> None:
    body = parse_body(json.dumps({**table, "params": {"n_frames": 3}}).encode(), f"{JSON}; charset=UTF-8")
    assert body.rows == [A, B]
    assert body.params == {"n_frames": 3}
    assert parse_body(json.dumps(table).encode(), JSON).params == {}


def test_one_value_is_a_column_of_one() -> None:
    assert parse_body(json.dumps({"inputs": A}).encode(), JSON).rows == [A]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "body: must be JSON, but is none from line 1, column 1 on"),
        (b'{"dataframe_records": [', "body: must be JSON, but is none from line 1, column 24 on"),
        (b'{"secret": "\xff"}', "body: must be UTF-8, but byte 12 is not"),
        (b"[" * 200_000, "body: must be JSON nested as a table is, but got hundreds of levels"),
        (b'{"a":' * 200_000 + b"1" + b"}" * 200_000, "body: must be JSON nested as a table is, but got hundreds of "),
        (b'{"dataframe_records": [{"seed": NaN}]}', "body: must be JSON, which has no NaN"),
        (b'{"dataframe_records": [{"seed": -Infinity}]}', "body: must be JSON, which has no -Infinity"),
        (b"1" * 5000, "body: must hold numbers that can be meant, but got one of thousands of digits"),
        (b"[]", "body: must be a JSON object with one of dataframe_records, dataframe_split, inputs, instances, but "),
        (
            b"null",
            "body: must be a JSON object with one of dataframe_records, dataframe_split, inputs, instances, but ",
        ),
        (b"{}", "body: must have exactly one of dataframe_records, dataframe_split, inputs, instances, but got none"),
        (b'{"inputs": [], "instances": []}', "body: must have exactly one of dataframe_records, dataframe_split, inp"),
        (b'{"messages": []}', "'messages': no key of the body has this name; allowed are dataframe_records, dataframe"),
        (b'{"inputs": [], "params": []}', "params: must be an object, but got a list of 0"),
        (b'{"dataframe_records": {"a": [1]}}', "dataframe_records: must be a list of objects, one a row, but got an "),
        (b'{"dataframe_records": [{}, 3]}', "dataframe_records: every row must be an object, but row 1 is 3"),
        (b'{"inputs": "p1"}', "inputs: must be a list of objects, one a row, but got 'p1'"),
        (b'{"inputs": {"a": [1, 2], "b": [1]}}', "inputs: columns must be of one length, but got [1, 2]"),
        (b'{"dataframe_split": []}', "dataframe_split: must be an object with columns and data, but got a list of 0"),
        (b'{"dataframe_split": {"columns": "a"}}', "columns: must be a list of names, but got 'a'"),
        (b'{"dataframe_split": {"columns": [1]}}', "columns: must be a list of names, but got a list of 1"),
        (b'{"dataframe_split": {"columns": ["a", "a"]}}', "columns: must be different names, but one is there twice"),
        (b'{"dataframe_split": {"columns": ["a"]}}', "data: must be a list of rows, but got null"),
        (b'{"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}', "data: every row must be a list of 1, but row"),
        (b'{"dataframe_split": {"colums": []}}', "'colums': no key of dataframe_split has this name; allowed are col"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_table_is_named(content: bytes, message: str) -> None:
    found = refusal(content)
    assert str(found).startswith(message)
    assert found.status == 400


def test_a_body_is_bounded_before_it_is_parsed() -> None:
    found = refusal(b"[" * (MOST_BODY_BYTES + 1))
    assert (str(found), found.status) == (f"body: must be at most 16777216 bytes, but got {MOST_BODY_BYTES + 1}", 413)


@pytest.mark.parametrize(
    ("content_type", "message"),
    [
        (None, "Content-Type: must be application/json, but got null"),
        ("text/csv", "Content-Type: must be application/json, but got 'text/csv'"),
        ("application/json; charset=latin-1", "Content-Type: must have no charset but utf-8, but got 'application/js"),
        ("application/json; version=1", "Content-Type: must have no charset but utf-8, but got 'application/json; "),
    ],
)
def test_only_json_is_read(content_type: str | None, message: str) -> None:
    found = refusal(b"{}", content_type)
    assert str(found).startswith(message)
    assert found.status == 415
