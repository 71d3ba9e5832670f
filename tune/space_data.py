"""Spaces and points as plain data: read from YAML, checked by name against a training's settings, and the defaults.

A space refused here could not be searched; a proposal of one that is built can be trained with. Knows no Ray and no
Optuna.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from tune.phases import PHASES, Phase
from tune.space import Choices, Dimension, Range, Space, When, plain
from wallpaper.training.config import FieldInfo, describe, did_you_mean, from_mapping, parse_value

Row: TypeAlias = Mapping[str, Any] | Sequence[Any]
"""A range {"low", "high", "log"}, a list of choices, {"choices"}; mappings may have "when": {field: value or values}.
Or a list of such mappings, each with a "when" of its own."""

MOST_VALUES = 10_000
"""Of a file of spaces or points, names included: far more than anybody searches."""


def build_space(rows: Mapping[str, Row], phase: Phase, base: Any) -> Space:
    """A space from plain data, over `base`.

    Raises: ValueError: names the field that is unknown, fixed, of the wrong type, out of its configuration's range,
        whose condition can never hold, or whose value in `base` lies outside of the space.
    """
    known = {info.name: info for info in describe(phase.config)}
    if not rows:
        searchable = sorted(set(known) - set(phase.fixed))
        raise ValueError(f"a space must vary something, but got none of: {', '.join(searchable)}")
    dimensions: list[Dimension] = []
    for name, row in rows.items():
        _check_name(name, known, phase)
        if name in phase.fixed:
            raise ValueError(f"`{name}` cannot be searched: {phase.fixed[name]}")
        several = _alternatives(row)
        for part in several:
            when = _when(part, known, phase)
            later = (set(rows) - {each.field for each in dimensions}) & set(when)
            if later:
                raise ValueError(f"`{name}` depends on `{min(later)}`, which must stand before it in the space")
            dimension = _dimension(known[name], part, when, labelled=len(several) > 1)
            _check(dimension, phase, base, dimensions)
            dimensions.append(dimension)
    return Space(phase, base, tuple(dimensions))


def read_space(path: Path, phases: Sequence[Phase]) -> dict[str, Mapping[str, Row]]:
    """The spaces of a YAML file by phase: fields below `vae:` and `ode:`, or fields alone for a single phase.

    Raises: FileNotFoundError; ValueError: no YAML, or not of that form.
    """
    return {name: _mapping(path, rows) for name, rows in _by_phase(path, phases).items()}


def read_points(path: Path, phases: Sequence[Phase]) -> dict[str, list[Mapping[str, Any]]]:
    """Lists of points of a YAML file, likewise. Raises: as `read_space`."""
    found = {}
    for name, points in _by_phase(path, phases).items():
        if not isinstance(points, list):
            raise ValueError(f"{path} must hold a list of points for the {name}, but holds {points!r}")
        found[name] = [_mapping(path, point) for point in points]
    return found


def _by_phase(path: Path, phases: Sequence[Phase]) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"{path} must be a YAML file, but there is none")
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path} must hold YAML, but does not: {' '.join(str(error).split())}") from error
    if not _is_small(found):
        raise ValueError(f"{path} must hold at most {MOST_VALUES} values, with every alias written out; it holds more")
    searched = [phase.name for phase in phases]
    if isinstance(found, Mapping) and found and set(found) <= set(PHASES):
        return {name: rows for name, rows in found.items() if name in searched}
    if len(phases) > 1:
        held = sorted(map(str, found)) if isinstance(found, Mapping) else type(found).__name__
        raise ValueError(f"{path} must hold vae: and ode:, or one of them, for two phases, but holds {held}")
    return {searched[0]: found}


def _is_small(found: Any) -> bool:
    """Whether there are at most `MOST_VALUES` values: aliases of aliases make any number of a few lines, or no end."""
    left, waiting = MOST_VALUES, [found]
    while waiting and left:
        value, left = waiting.pop(), left - 1
        if isinstance(value, Mapping):
            waiting += [*value, *value.values()]
        elif isinstance(value, list | tuple | set):
            waiting += value
    return not waiting


def _mapping(path: Path, rows: Any) -> Mapping[str, Any]:
    if not isinstance(rows, Mapping):
        raise ValueError(f"{path} must hold fields of the settings and their values, but holds {rows!r}")
    return rows


def _check_name(name: str, known: Mapping[str, FieldInfo], phase: Phase) -> None:
    if name not in known:
        raise ValueError(
            f"a space varies fields of {phase.config.__name__}, but it has no {name!r}{did_you_mean(str(name), known)}"
        )


def _alternatives(row: Any) -> list[Any]:
    """The parts of a row that is a list of mappings; any other row is its own only part."""
    if isinstance(row, Sequence) and row and all(isinstance(part, Mapping) for part in row):
        return list(row)
    return [row]


def _when(row: Any, known: Mapping[str, FieldInfo], phase: Phase) -> dict[str, tuple[Any, ...]]:
    if not isinstance(row, Mapping) or "when" not in row:
        return {}
    found = {}
    if not isinstance(row["when"], Mapping):
        raise ValueError(f"`when` must map fields to values, but got {row['when']!r}")
    for name, values in row["when"].items():
        _check_name(name, known, phase)
        several = values if isinstance(values, (list, tuple)) and known[name].kind is not tuple else [values]
        found[name] = tuple(plain(parse_value(known[name], value)) for value in several)
    return found


def _dimension(info: FieldInfo, row: Any, when: When, *, labelled: bool) -> Dimension:
    conditions = ",".join(f"{name}={'|'.join(map(str, values))}" for name, values in when.items())
    label = f"{info.name}[{conditions}]" if labelled else info.name
    if isinstance(row, Mapping) and "choices" in row:
        if not set(row) <= {"choices", "when"}:
            raise ValueError(f"choices may have when, but `{info.name}` has {sorted(row)}")
        row = row["choices"]
    if not isinstance(row, Mapping):
        if isinstance(row, str) or not isinstance(row, Sequence):
            raise ValueError(f"`{info.name}` must have a list of choices or a range, but got {row!r}")
        return Choices(info.name, tuple(plain(parse_value(info, value)) for value in row), when, label)
    if info.kind not in (int, float):
        raise ValueError(f"`{info.name}` is no number: give a list of choices instead of {dict(row)}")
    if not {"low", "high"} <= set(row) <= {"low", "high", "log", "when"}:
        raise ValueError(
            f"a range must have low and high, and may have log and when, but `{info.name}` has {sorted(row)}"
        )
    low, high = parse_value(info, row["low"]), parse_value(info, row["high"])
    return Range(info.name, low, high, bool(row.get("log", False)), when, label)


def _check(dimension: Dimension, phase: Phase, base: Any, before: Sequence[Dimension]) -> None:
    """Every value is allowed where the dimension is searched, which can be, and the base's own is among them."""
    earlier = {name: [value for each in before if each.field == name for value in each.limits]
               for name in dimension.when}  # fmt: skip
    setting: dict[str, Any] = {}
    for name, values in dimension.when.items():
        possible = [value for value in values if value in earlier[name]]
        if earlier[name] and not possible:
            raise ValueError(f"`{dimension.field}` is searched when `{name}` is {values}, which it never is")
        if not earlier[name] and plain(getattr(base, name)) not in values:
            return  # the base decides against it
        setting |= {name: possible[0]} if possible else {}
    for value in dimension.limits:
        try:
            from_mapping(phase.config, {**setting, dimension.field: value}, base)
        except ValueError as error:
            raise ValueError(f"every value of `{dimension.field}` in the space must be allowed, but {error}") from error
    start = plain(getattr(base, dimension.field))
    if not dimension.when and start not in dimension:
        raise ValueError(
            f"`{dimension.field}` of the first trial, {start}, must lie in the space, but that has "
            f"{', '.join(map(str, dimension.limits))}; widen it"
        )
