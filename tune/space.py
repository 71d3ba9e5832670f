"""What a search may vary: ranges and choices over the fields of the transition field's settings, as data.

Checked against `OdeConfig` when it is built, so a proposal can never be refused later. Knows no Ray and
no Optuna; it asks whoever proposes through three methods that Optuna's trials have.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from wallpaper.training.config import FieldInfo, describe, did_you_mean, from_mapping, parse_value
from wallpaper.training.ode_config import OdeConfig

Row = Mapping[str, Any] | Sequence[Any]
"""A range {"low": ..., "high": ..., "log": ...}, or a list of choices."""

FIXED = {
    "epochs": "it is what a trial costs; use --epochs",
    "pairs_per_epoch": "it is what a trial costs; use --epochs",
    "seed": "the best of several seeds is luck, not a better setting; use --seed",
    "validate_every": "trials must be compared by the same validation",
    "validation_pairs": "trials must be compared by the same validation",
    "validation_points": "trials must be compared by the same validation",
    "transition_mode": "trials train on pairs of different groups only",
    "log_every": "it changes no result",
}
"""Fields that no search varies, and why."""

DEFAULT: Mapping[str, Row] = {
    "learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
    "batch_size": (32, 64, 128, 256),
    "hidden_dim": (64, 128, 256, 512),
    "embedding_dim": (16, 32, 64),
    "weight_decay": {"low": 1e-6, "high": 1e-1, "log": True},
    "warmup": (0, 50, 200),
    "scheduler": ("cosine", "constant"),
}
"""What is searched if nothing else is asked for; every preset lies in it."""


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
            return proposer.suggest_int(self.field, self.low, int(self.high), log=self.log)
        return proposer.suggest_float(self.field, self.low, self.high, log=self.log)

    def __contains__(self, value: Any) -> bool:
        return bool(self.low <= value <= self.high)


@dataclass(frozen=True, slots=True)
class Choices:
    """Any of a few values."""

    field: str
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not self.values or len(set(self.values)) < len(self.values):
            raise ValueError(f"`{self.field}` must have choices, each once, but got {list(self.values)}")

    @property
    def limits(self) -> tuple[Any, ...]:
        """The values that must be allowed for all to be."""
        return self.values

    def propose(self, proposer: Proposer) -> Any:
        """One value."""
        return proposer.suggest_categorical(self.field, self.values)

    def __contains__(self, value: Any) -> bool:
        return value in self.values


@dataclass(frozen=True, slots=True)
class Space:
    """Ranges and choices, one for each field that is searched, on top of settings that stay."""

    base: OdeConfig
    dimensions: tuple[Range | Choices, ...]

    def propose(self, proposer: Proposer) -> dict[str, Any]:
        """A value for every dimension."""
        return {dimension.field: dimension.propose(proposer) for dimension in self.dimensions}

    def start(self) -> dict[str, Any]:
        """The base's own values: the first trial, which every other has to beat."""
        return {dimension.field: getattr(self.base, dimension.field) for dimension in self.dimensions}


def build_space(rows: Mapping[str, Row], base: OdeConfig) -> Space:
    """A space from plain data, over `base`.

    Raises: ValueError: names the field that is unknown, fixed, of the wrong type, out of `OdeConfig`'s range,
        or whose value in `base` lies outside of the space.
    """
    known = {info.name: info for info in describe(OdeConfig)}
    if not rows:
        raise ValueError(f"a space must vary something, but got none of: {', '.join(sorted(set(known) - set(FIXED)))}")
    dimensions = []
    for name, row in rows.items():
        if name not in known:
            raise ValueError(f"a space varies fields of OdeConfig, but it has no {name!r}{did_you_mean(name, known)}")
        if name in FIXED:
            raise ValueError(f"`{name}` cannot be searched: {FIXED[name]}")
        dimension = _dimension(known[name], row)
        _check(dimension, base)
        dimensions.append(dimension)
    return Space(base, tuple(dimensions))


def _dimension(info: FieldInfo, row: Row) -> Range | Choices:
    if not isinstance(row, Mapping):
        if isinstance(row, str):
            raise ValueError(f"`{info.name}` must have a list of choices or a range, but got {row!r}")
        return Choices(info.name, tuple(parse_value(info, value) for value in row))
    if info.kind not in (int, float):
        raise ValueError(f"`{info.name}` is no number: give a list of choices instead of {dict(row)}")
    if not {"low", "high"} <= set(row) <= {"low", "high", "log"}:
        raise ValueError(f"a range must have low and high, and may have log, but `{info.name}` has {sorted(row)}")
    low, high = parse_value(info, row["low"]), parse_value(info, row["high"])
    return Range(info.name, low, high, bool(row.get("log", False)))


def _check(dimension: Range | Choices, base: OdeConfig) -> None:
    for value in dimension.limits:
        try:
            from_mapping(OdeConfig, {dimension.field: value}, base)
        except ValueError as error:
            raise ValueError(f"every value of `{dimension.field}` in the space must be allowed, but {error}") from error
    start = getattr(base, dimension.field)
    if start not in dimension:
        raise ValueError(
            f"`{dimension.field}` of the first trial, {start}, must lie in the space, but that has "
            f"{', '.join(map(str, dimension.limits))}; widen it"
        )
