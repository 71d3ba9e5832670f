"""docs/faults.md names no test that is not there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_test_of_the_table_exists_and_is_slow_where_it_says_so() -> None:
    text = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`( \(slow\))?", text)
    assert len(named) > 30
    for file, name, slow in named:
        source = (ROOT / file).read_text(encoding="utf-8")
        found = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
        assert name in found, f"{file} has no {name}"
        marks = " ".join(ast.unparse(mark) for mark in found[name].decorator_list)
        whole = re.search(r"^pytestmark = .*?^\]", source, re.MULTILINE | re.DOTALL)
        is_slow = "mark.slow" in marks or (whole is not None and "mark.slow" in whole.group())
        assert is_slow == bool(slow), f"{file}::{name}"
