"""What a search may vary: ranges and choices over the fields of a training's settings, as data.

Any of them may hold only for certain values of other fields. `space_data` reads and checks them. Knows no Ray and
no Optuna; it asks whoever proposes through three methods that Optuna's trials have.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from tune.phases import Phase
from wallpaper.training.config import describe, did_you_mean, from_mapping, parse_value

When: TypeAlias = Mapping[str, tuple[Any, ...]]
"""Values of other fields under which a dimension is searched; empty: always."""


class Proposer(Protocol):
    """The part of `optuna.Trial` that a space needs."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A number of a range."""
        ...

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """A whole number of a range, ends included."""
        ...

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """One of the choices."""
        ...


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, ends included."""

    field: str
    low: float
    high: float
    log: bool = False
    """Even in the logarithm."""
    when: When = dataclasses.field(default_factory=dict)
    label: str = ""
    """What the proposer calls it; the field's name if empty."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"`low < high` must hold for `{self.field}`, but got {self.low} and {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"`low > 0` must hold for `{self.field}` with log, but got {self.low}")

    @property
    def limits(self) -> tuple[Any, ...]:
        """The values that must be allowed for all to be."""
        return self.low, self.high

    def propose(self, proposer: Proposer) -> float:
        """One value."""
        if isinstance(self.low, int):
            return proposer.suggest_int(self.label or self.field, self.low, int(self.high), log=self.log)
        return proposer.suggest_float(self.label or self.field, self.low, self.high, log=self.log)

    def __contains__(self, value: Any) -> bool:
        return not isinstance(value, str) and bool(self.low <= value <= self.high)

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}{', even in the logarithm' if self.log else ''}"


@dataclass(frozen=True, slots=True)
class Choices:
    """Any of a few values, plain enough for a database: tuples are text, "64,128"."""

    field: str
    values: tuple[Any, ...]
    when: When = dataclasses.field(default_factory=dict)
    label: str = ""

    def __post_init__(self) -> None:
        if not self.values or len(set(self.values)) < len(self.values):
            raise ValueError(f"`{self.field}` must have choices, each once, but got {list(self.values)}")

    @property
    def limits(self) -> tuple[Any, ...]:
        """The values that must be allowed for all to be."""
        return self.values

    def propose(self, proposer: Proposer) -> Any:
        """One value."""
        return proposer.suggest_categorical(self.label or self.field, self.values)

    def __contains__(self, value: Any) -> bool:
        return value in self.values

    def __str__(self) -> str:
        return " | ".join(map(str, self.values))


Dimension: TypeAlias = Range | Choices


@dataclass(frozen=True, slots=True)
class Space:
    """Ranges and choices for the fields that are searched, on top of settings that stay."""

    phase: Phase
    base: Any
    dimensions: tuple[Dimension, ...]

    def propose(self, proposer: Proposer) -> dict[str, Any]:
        """A value for every dimension that the values before it call for."""
        settings: dict[str, Any] = {}
        for dimension in self.dimensions:
            if self._holds(dimension, settings):
                settings[dimension.field] = dimension.propose(proposer)
        return settings

    def start(self) -> dict[str, Any]:
        """The base's own values: a point that every other has to beat."""
        return self.point({})

    def plan(self) -> dict[str, Any]:
        """The preset plan's values, as far as they lie in the space; the base's for the others."""
        plan = self.phase.presets["plan"]
        wanted: dict[str, Any] = {}
        for dimension in self.dimensions:
            value = plain(getattr(plan, dimension.field))
            if value in dimension and self._can_be({**wanted, dimension.field: value}):
                wanted[dimension.field] = value
        return self.point(wanted)

    def point(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """A whole proposal: `values`, and the base's own (or the nearest there is) for what they leave open.

        Raises: ValueError: a value that is none of the space's, or a field that is not searched under these values.
        """
        settings: dict[str, Any] = {}
        for dimension in self.dimensions:
            if self._holds(dimension, settings):
                settings[dimension.field] = self._value(dimension, values)
        known = [dimension.field for dimension in self.dimensions]
        for name in values:
            if name not in settings:
                why = "with the point's other values" if name in known else did_you_mean(name, known).lstrip("; ")
                raise ValueError(f"a point's `{name}` must be a field that the space varies {why}".rstrip())
        return settings

    def labelled(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """A proposal by the names that the proposer knows its values under."""
        return {
            dimension.label or dimension.field: settings[dimension.field]
            for dimension in self.dimensions
            if dimension.field in settings and self._holds(dimension, settings)
        }

    def values_of(self, name: str) -> tuple[Any, ...]:
        """What a field may be: its choices, or the base's own value if it is not searched."""
        found = [value for each in self.dimensions if each.field == name for value in each.limits]
        return tuple(dict.fromkeys(found)) or (getattr(self.base, name),)

    def config(self, settings: Mapping[str, Any]) -> Any:
        """A proposal as a training's settings. Raises: ValueError: values that exclude each other."""
        return from_mapping(self.phase.config, settings, self.base)

    def _value(self, dimension: Dimension, values: Mapping[str, Any]) -> Any:
        info = {info.name: info for info in describe(self.phase.config)}[dimension.field]
        if dimension.field in values:
            value = plain(parse_value(info, values[dimension.field]))
            if value not in dimension:
                raise ValueError(f"a point's `{dimension.field}` must be {dimension}, but got {value!r}")
            return value
        own = plain(getattr(self.base, dimension.field))
        if own in dimension:
            return own
        if isinstance(dimension, Range) and not isinstance(own, str):
            return min(max(own, dimension.low), dimension.high)
        return dimension.limits[0]

    def _holds(self, dimension: Dimension, settings: Mapping[str, Any]) -> bool:
        given = {name: settings.get(name, plain(getattr(self.base, name))) for name in dimension.when}
        return all(given[name] in values for name, values in dimension.when.items())

    def _can_be(self, values: Mapping[str, Any]) -> bool:
        try:
            self.config(self.point(values))
        except ValueError:
            return False
        return True


def plain(value: Any) -> Any:
    """A field's value as a database can keep it: a tuple as text."""
    return ",".join(map(str, value)) if isinstance(value, (tuple, list)) else value
