"""Run configurations as data: JSON in and out, and the description other interfaces derive from.

A configuration is a frozen dataclass whose fields are bool, int, float, str, a Literal of str, a
tuple of one of these, or any of them with None; each field's docstring stands beneath it. Command-line
options, MLproject parameters and search spaces read `describe`, so they cannot drift apart.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import itertools
import math
import textwrap
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from wallpaper.training.files import read_json, write_json

C = TypeVar("C")

CONFIG = "config.json"

_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One field of a configuration, as an interface needs to know it."""

    name: str
    kind: type
    """bool, int, float, str or tuple."""
    item: type | None
    """Type of a tuple's items."""
    optional: bool
    """None is allowed."""
    default: Any
    choices: tuple[str, ...]
    """The only values allowed, where there are such."""
    doc: str


def describe(cls: type) -> tuple[FieldInfo, ...]:
    """The fields of a configuration class, in order.

    Raises: TypeError: a field without a docstring or with a type that no text can stand for.
    """
    return _describe(cls)


def to_mapping(config: object) -> dict[str, Any]:
    """Field names to plain JSON values, tuples as lists; `from_mapping` is the inverse."""
    values = {f.name: getattr(config, f.name) for f in fields(config)}  # type: ignore[arg-type]
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def from_mapping(cls: type[C], values: Mapping[str, Any], base: C | None = None) -> C:
    """A configuration from names and values, on top of `base` or of the class's defaults.

    Values may be text, as a command line or MLproject hands them over: "1e-4", "true", "64,128", "none".

    Raises: ValueError: an unknown name, or a value of the wrong type or outside its range.
    """
    known = {info.name: info for info in describe(cls)}
    for name in values:
        if name not in known:
            raise ValueError(f"{cls.__name__} has no setting {name!r}{did_you_mean(name, known)}")
    converted = {name: parse_value(known[name], value) for name, value in values.items()}
    return cls(**converted) if base is None else replace(base, **converted)  # type: ignore[type-var]


def parse_value(info: FieldInfo, value: Any) -> Any:
    """`value`, typed as the field demands. Raises: ValueError: it cannot be, without loss."""
    if info.optional and (value is None or value == "none"):
        return None
    if info.kind is not tuple:
        return _parse_scalar(info.kind, info, value)
    parts = [part for part in value.split(",") if part.strip()] if isinstance(value, str) else value
    if not isinstance(parts, Iterable) or info.item is None:
        raise ValueError(_wrong_type(info, value))
    return tuple(_parse_scalar(info.item, info, part) for part in parts)


def save_config(path: Path, config: object) -> None:
    """Write a configuration as JSON."""
    write_json(path, to_mapping(config))


def load_config(cls: type[C], path: Path) -> C:
    """Read what `save_config` wrote. Raises: FileNotFoundError; ValueError: names the file and what is wrong."""
    values = read_json(path)
    if not isinstance(values, dict):
        raise ValueError(f"{path} must hold the settings of a {cls.__name__}, but holds a {type(values).__name__}")
    try:
        return from_mapping(cls, values)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def choose(kind: str, name: str, choices: Mapping[str, C]) -> C:
    """The choice called `name`. Raises: ValueError: unknown, with the nearest name and all names."""
    if name not in choices:
        raise ValueError(f"unknown {kind} {name!r}{did_you_mean(name, choices)}; one of {', '.join(choices)}")
    return choices[name]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A clause for an error message, empty when nothing is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def check_at_least(config: object, minimum: float, *names: str) -> None:
    """Raises: ValueError: a named field is below `minimum` or not finite."""
    for name in names:
        value = getattr(config, name)
        if not (math.isfinite(value) and value >= minimum):
            raise ValueError(f"`{name} >= {minimum}` must hold, but got {value}")


def check_positive(config: object, *names: str) -> None:
    """Raises: ValueError: a named field is not above 0 or not finite."""
    for name in names:
        value = getattr(config, name)
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"`{name} > 0` must hold, but got {value}")


def check_below_one(config: object, *names: str) -> None:
    """Raises: ValueError: a named field is 1 or more, or not finite."""
    for name in names:
        value = getattr(config, name)
        if not value < 1:
            raise ValueError(f"`{name} < 1` must hold, but got {value}")


def check_choices(config: object) -> None:
    """Raises: ValueError: a field with choices holds something else."""
    for info in describe(type(config)):
        value = getattr(config, info.name)
        if info.choices and value not in info.choices and not (info.optional and value is None):
            raise ValueError(f"`{info.name}` must be one of {', '.join(info.choices)}, but got {value!r}")


@cache
def _describe(cls: Any) -> tuple[FieldInfo, ...]:
    hints, docs = typing.get_type_hints(cls), _field_docs(cls)
    return tuple(_field_info(f.name, hints[f.name], f.default, docs.get(f.name, "")) for f in fields(cls))


def _field_docs(cls: type) -> dict[str, str]:
    """Docstrings that stand beneath annotated fields, by field name."""
    body = typing.cast(ast.ClassDef, ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]).body
    docs = {}
    for field, below in itertools.pairwise(body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(doc))):
                docs[name] = inspect.cleandoc(doc)
    return docs


def _field_info(name: str, hint: Any, default: Any, doc: str) -> FieldInfo:
    if not doc or default is MISSING:
        raise TypeError(f"field `{name}` of a configuration must have a default and a docstring beneath it")
    optional, choices, item = False, (), None
    if isinstance(hint, types.UnionType):
        (hint,) = [part for part in typing.get_args(hint) if part is not type(None)]
        optional = True
    if typing.get_origin(hint) is Literal:
        hint, choices = str, typing.get_args(hint)
    elif typing.get_origin(hint) is tuple:
        hint, item = tuple, typing.get_args(hint)[0]
    if hint not in (bool, int, float, str, tuple):
        raise TypeError(f"field `{name}` must be bool, int, float, str, a Literal or a tuple, but got {hint!r}")
    return FieldInfo(name, hint, item, optional, default, choices, doc)


def _parse_scalar(kind: type, info: FieldInfo, value: Any) -> Any:
    if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    if kind is bool and isinstance(value, str) and value.lower() in _BOOLEANS:
        return _BOOLEANS[value.lower()]
    readable: tuple[type, ...] = {int: (str,), float: (str, int)}.get(kind, ())
    try:
        if isinstance(value, readable) and not isinstance(value, bool):
            return kind(value)
    except ValueError:
        pass
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    raise ValueError(_wrong_type(info, value))


def _wrong_type(info: FieldInfo, value: object) -> str:
    kind = f"{info.item.__name__}s, separated by commas" if info.item else info.kind.__name__
    return f"`{info.name}` must be {kind}{' or none' if info.optional else ''}, but got {value!r}"
