"""From the bytes of a request to its rows and parameters. Knows JSON, not what rows and parameters may hold.

Takes what MLflow's server takes as JSON: `dataframe_records`, `dataframe_split`, `inputs` or `instances`, and `params`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from serving.fields import check_names
from serving.refusals import Refusal, show

MOST_BODY_BYTES = 16 * 2**20
TABLES = ("dataframe_records", "dataframe_split", "inputs", "instances")
_SPLIT = ("columns", "data", "index")


@dataclass(frozen=True, slots=True)
class Body:
    """A request as it was sent."""

    rows: list[Mapping[str, Any]]
    params: Mapping[str, Any]


def parse_body(content: bytes, content_type: str | None) -> Body:
    """Raises: Refusal."""
    _check_type(content_type)
    if len(content) > MOST_BODY_BYTES:
        raise Refusal(f"body: must be at most {MOST_BODY_BYTES} bytes, but got {len(content)}", 413)
    found = _parse_json(content)
    if not isinstance(found, dict):
        raise Refusal(f"body: must be a JSON object with one of {', '.join(TABLES)}, but got {show(found)}")
    check_names("key of the body", found.keys(), (*TABLES, "params"))
    tables = [name for name in TABLES if name in found]
    if len(tables) != 1:
        raise Refusal(f"body: must have exactly one of {', '.join(TABLES)}, but got {', '.join(tables) or 'none'}")
    params = found.get("params")
    if params is not None and not isinstance(params, dict):
        raise Refusal(f"params: must be an object, but got {show(params)}")
    return Body(_rows(tables[0], found[tables[0]]), params or {})


def _check_type(content_type: str | None) -> None:
    kind, *settings = (part.strip().lower() for part in (content_type or "").split(";"))
    if kind != "application/json":
        raise Refusal(f"Content-Type: must be application/json, but got {show(content_type)}", 415)
    if [setting for setting in settings if setting and setting.replace('"', "") != "charset=utf-8"]:
        raise Refusal(f"Content-Type: must have no charset but utf-8, but got {show(content_type)}", 415)


def _parse_json(content: bytes) -> Any:
    try:
        return json.loads(content.decode("utf-8"), parse_constant=_refuse_constant)
    except Refusal:
        raise
    except UnicodeDecodeError as error:
        raise Refusal(f"body: must be UTF-8, but byte {error.start} is not") from None
    except RecursionError:
        raise Refusal("body: must be JSON nested as a table is, but got hundreds of levels") from None
    except json.JSONDecodeError as error:
        raise Refusal(f"body: must be JSON, but is none from line {error.lineno}, column {error.colno} on") from None
    except ValueError:
        raise Refusal("body: must hold numbers that can be meant, but got one of thousands of digits") from None


def _refuse_constant(name: str) -> NoReturn:
    raise Refusal(f"body: must be JSON, which has no {name}; leave out what is not known")


def _rows(name: str, table: Any) -> list[Mapping[str, Any]]:
    if name == "dataframe_split":
        return _split_rows(table)
    if isinstance(table, dict) and name in ("inputs", "instances"):
        return _column_rows(name, table)
    if not isinstance(table, list):
        raise Refusal(f"{name}: must be a list of objects, one a row, but got {show(table)}")
    stray = next((index for index, row in enumerate(table) if not isinstance(row, dict)), None)
    if stray is not None:
        raise Refusal(f"{name}: every row must be an object, but row {stray} is {show(table[stray])}")
    return table


def _split_rows(table: Any) -> list[Mapping[str, Any]]:
    if not isinstance(table, dict):
        raise Refusal(f"dataframe_split: must be an object with columns and data, but got {show(table)}")
    check_names("key of dataframe_split", table.keys(), _SPLIT)
    columns, data = table.get("columns"), table.get("data")
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise Refusal(f"columns: must be a list of names, but got {show(columns)}")
    if len(set(columns)) != len(columns):
        raise Refusal("columns: must be different names, but one is there twice")
    if not isinstance(data, list):
        raise Refusal(f"data: must be a list of rows, but got {show(data)}")
    for index, row in enumerate(data):
        if not isinstance(row, list) or len(row) != len(columns):
            raise Refusal(f"data: every row must be a list of {len(columns)}, but row {index} is {show(row)}")
    return [dict(zip(columns, row, strict=True)) for row in data]


def _column_rows(name: str, table: dict[str, Any]) -> list[Mapping[str, Any]]:
    """Rows of columns; a column that is no list is a row's only value."""
    columns = {key: value if isinstance(value, list) else [value] for key, value in table.items()}
    if len({len(values) for values in columns.values()}) > 1:
        raise Refusal(f"{name}: columns must be of one length, but got {sorted({*map(len, columns.values())})[:4]}")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
