from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from wallpaper.training.config import (
    check_at_least,
    check_choices,
    check_positive,
    describe,
    from_mapping,
    load_config,
    save_config,
    to_mapping,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    count: int = 3
    """How many.

    In all.
    """
    rate: float = 0.5
    """How fast."""
    on: bool = False
    """Whether."""
    kind: Literal["x", "y"] = "x"
    """Which."""
    widths: tuple[int, ...] = (4, 8)
    """Widths."""
    limit: float | None = None
    """Most, or none."""
    label: str = ""
    """Free text."""

    def __post_init__(self) -> None:
        check_at_least(self, 1, "count")
        check_positive(self, "rate")
        check_choices(self)


def test_description_holds_name_kind_default_choices_and_doc_of_every_field() -> None:
    found = {info.name: (info.kind, info.item, info.optional, info.default, info.choices) for info in describe(Example)}
    assert found == {
        "count": (int, None, False, 3, ()),
        "rate": (float, None, False, 0.5, ()),
        "on": (bool, None, False, False, ()),
        "kind": (str, None, False, "x", ("x", "y")),
        "widths": (tuple, int, False, (4, 8), ()),
        "limit": (float, None, True, None, ()),
        "label": (str, None, False, "", ()),
    }
    assert describe(Example)[0].doc == "How many.\n\nIn all."
    assert describe(Example)[-1].doc == "Free text."


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"count": "7"}, {"count": 7}),
        ({"count": 7.0}, {"count": 7}),
        ({"rate": "1e-4"}, {"rate": 1e-4}),
        ({"rate": 2}, {"rate": 2.0}),
        ({"on": "true"}, {"on": True}),
        ({"on": "No"}, {"on": False}),
        ({"kind": "y"}, {"kind": "y"}),
        ({"widths": "16,32, 64"}, {"widths": (16, 32, 64)}),
        ({"widths": [1, 2]}, {"widths": (1, 2)}),
        ({"limit": "none"}, {"limit": None}),
        ({"limit": "3"}, {"limit": 3.0}),
    ],
)
def test_values_are_read_from_text_and_json(given: dict[str, object], expected: dict[str, object]) -> None:
    config = from_mapping(Example, given)
    assert config == dataclasses.replace(Example(), **expected)  # type: ignore[arg-type]
    for name, value in expected.items():
        assert type(getattr(config, name)) is type(value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"cuont": 1}, r"Example has no setting 'cuont'; did you mean 'count'\?"),
        ({"zzz": 1}, r"Example has no setting 'zzz'$"),
        ({"count": 1.5}, "`count` must be int, but got 1.5"),
        ({"count": True}, "`count` must be int, but got True"),
        ({"count": None}, "`count` must be int, but got None"),
        ({"rate": "fast"}, "`rate` must be float, but got 'fast'"),
        ({"on": "maybe"}, "`on` must be bool, but got 'maybe'"),
        ({"on": 1}, "`on` must be bool, but got 1"),
        ({"label": 1}, "`label` must be str, but got 1"),
        ({"limit": "x"}, "`limit` must be float or none, but got 'x'"),
        ({"widths": "4,x"}, "`widths` must be ints, separated by commas, but got 'x'"),
        ({"widths": 4}, "`widths` must be ints, separated by commas, but got 4"),
        ({"count": 0}, "`count >= 1` must hold, but got 0"),
        ({"rate": 0}, "`rate > 0` must hold, but got 0"),
        ({"rate": float("nan")}, "`rate > 0` must hold, but got nan"),
        ({"rate": float("inf")}, "`rate > 0` must hold, but got inf"),
        ({"kind": "z"}, "`kind` must be one of x, y, but got 'z'"),
    ],
)
def test_wrong_settings_are_refused_by_name(given: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_mapping(Example, given)


def test_a_base_keeps_what_is_not_given() -> None:
    assert from_mapping(Example, {"rate": 2.0}, Example(count=9)) == Example(count=9, rate=2.0)


def test_a_saved_config_is_read_back_equal(tmp_path: Path) -> None:
    config = Example(count=5, widths=(1,), limit=2.5, on=True, rate=0.1 + 0.2)
    save_config(tmp_path / "new" / "config.json", config)
    assert load_config(Example, tmp_path / "new" / "config.json") == config
    assert from_mapping(Example, to_mapping(config)) == config


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "config.json must hold JSON"), ("[1]", "must hold the settings of a Example"), ('{"a": 1}', "setting 'a'")],
)
def test_a_file_that_holds_something_else_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        load_config(Example, tmp_path / "config.json")
    assert "config.json" in str(caught.value)


def test_a_field_without_a_docstring_is_a_mistake_of_the_class() -> None:
    @dataclass(frozen=True)
    class Bare:
        count: int = 1

    with pytest.raises(TypeError, match=r"field `count`.*docstring"):
        describe(Bare)


def test_a_type_that_no_text_stands_for_is_a_mistake_of_the_class() -> None:
    @dataclass(frozen=True)
    class Odd:
        when: complex = 1j
        """Nothing a command line could take."""

    with pytest.raises(TypeError, match="field `when` must be bool, int"):
        describe(Odd)
