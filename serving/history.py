"""The moves of a registered model's aliases, in order, and what they add up to: where a rollback goes.

Pure: a move to and from the text of a tag. Knows no registry; it is given what a registry holds.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

PREFIX = "move."
"""Of the tags that hold moves."""

LONGEST_REASON = 1000
"""Characters; a tag of a registered model holds 5000."""

Kind: TypeAlias = Literal["first", "set", "promote", "rollback"]


@dataclass(frozen=True, slots=True)
class Move:
    """An alias was pointed at a version."""

    key: str
    """Unique; moves are in the order of their keys."""
    alias: str
    version: str
    kind: Kind
    before: str
    """The version that the alias named until then, as the mover saw it; "" for none."""
    by: str
    at: str
    """ISO 8601, UTC."""
    reason: str = ""
    forced: tuple[str, ...] = ()
    """Gates that did not hold."""

    def tag(self) -> tuple[str, str]:
        """Key and text of the tag."""
        return PREFIX + self.key, json.dumps(asdict(self), ensure_ascii=False)


def new_move(
    alias: str, version: str, kind: Kind, *, before: str, by: str, after: Iterable[Move] = (), **rest: Any
) -> Move:
    """A move made now; later than those it is `after`, whatever the clocks of the machines that made them say."""
    now = time.time_ns()
    last = max((int(move.key.split(".")[0]) for move in after), default=0)
    key = f"{max(now, last + 1):020d}.{uuid.uuid4().hex[:8]}"
    at = datetime.fromtimestamp(now / 1e9, UTC).isoformat(timespec="seconds")
    rest["reason"] = str(rest.get("reason", ""))[:LONGEST_REASON]
    return Move(key, alias, version, kind, before, by, at, **rest)


def moves_in(tags: Mapping[str, str], alias: str | None = None) -> list[Move]:
    """The moves that a registered model's tags hold, of one alias or of all, oldest first."""
    found = (json.loads(text) for key, text in tags.items() if key.startswith(PREFIX))
    moves = (Move(**{**each, "forced": tuple(each["forced"])}) for each in found)
    return sorted((move for move in moves if alias in (None, move.alias)), key=lambda move: move.key)


def way_back(moves: Iterable[Move], now: str, existing: Collection[str]) -> list[str]:
    """The versions that an alias can go back through, the present one last.

    A rollback takes one off, so two rollbacks go back twice. An alias moved from outside, which no move tells of, is
    found by what the next mover saw before it.

    Args:
        moves: of one alias, oldest first.
        now: the version that it names; "" for none.
        existing: versions that the registry still has; a rollback passes over the others.
    """
    path: list[str] = []
    for move in moves:
        _arrive(path, move.before)
        if move.kind == "rollback":
            while path and path[-1] != move.version:
                path.pop()
        _arrive(path, move.version)
    _arrive(path, now)
    kept: list[str] = []
    for version in path:
        if version in existing:
            _arrive(kept, version)
    return kept


def _arrive(path: list[str], version: str) -> None:
    """Add a version unless the path is there already."""
    if version and path[-1:] != [version]:
        path.append(version)
