"""The picture of the architecture shows the parts that there are, and the imports that the code has."""

from __future__ import annotations

import re
import tomllib

import pytest

from docs.architecture import APPLICATIONS, PICTURE, ROOT, imports, kind, levels, reduced
from tests.test_architecture import OUTERMOST

IMPORTS = imports(ROOT)


def test_the_picture_is_that_of_the_code() -> None:
    text = PICTURE.read_text(encoding="utf-8")
    lines = {f"{part}-{other}" for part, others in reduced(IMPORTS).items() for other in others}
    assert set(re.findall(r'<line id="([^"]+)"', text)) == lines, (
        "the imports have changed: python -m docs.architecture"
    )
    assert set(re.findall(r"<text [^>]*middle\">(\w+)<", text)) == set(IMPORTS)


def test_the_parts_are_those_of_the_import_contract() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    layers = [set(re.findall(r"\w+", layer)) for layer in contract]
    assert set(IMPORTS) - set(APPLICATIONS) == set().union(*layers) - {"__main__"}
    order = {part: -row for row, layer in enumerate(layers) for part in layer}
    wrong = [(part, other) for part in order.keys() & IMPORTS for other in IMPORTS[part] if order[part] <= order[other]]
    assert wrong == []


def test_the_outer_shell_is_what_the_core_tests_leave_out() -> None:
    outer = {part for part in IMPORTS if kind(part) == "outer"} | {"cli"}
    assert outer == {name.removesuffix(".py").rstrip("/") for name in OUTERMOST} - {"__main__"}


def test_only_lines_that_others_imply_are_left_out() -> None:
    graph = {name: frozenset(others) for name, others in {"a": "bc", "b": "c", "c": "", "d": "a"}.items()}
    assert reduced(graph) == {"a": {"b"}, "b": {"c"}, "c": set(), "d": {"a"}}
    assert levels(graph) == {"a": 2, "b": 1, "c": 0, "d": 3}
    with pytest.raises(ValueError, match="must not import each other"):
        reduced({"a": frozenset("b"), "b": frozenset("a")})
