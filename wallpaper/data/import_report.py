"""What an import did with every picture: counts, a table of claims against findings, and one entry for each picture.

Plain values that go to JSON. Nothing that was given is missing from it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from wallpaper.data.sources import Sources
from wallpaper.plane import GROUP_NAMES

Outcome: TypeAlias = Literal["stored", "relabelled", "kept", "dropped", "unreadable", "no group"]

STORED: tuple[Outcome, ...] = ("stored", "relabelled", "kept")
"""Outcomes of the pictures that are in the file: as found, with another label than claimed, as claimed but not so."""

REPORT_FORMAT = 1

NO_CLAIM = "(no claim)"
NONE = "none"


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one picture."""

    source: str
    claimed: str | None
    found: str | None
    outcome: Outcome
    label: str | None = None
    """Group under which it is stored."""
    reason: str | None = None
    """Why it is not stored, or not as claimed."""
    figures: dict[str, Any] = field(default_factory=dict)
    """See `FramedCell.figures`."""


@dataclass(slots=True)
class ImportReport:
    """Every picture's entry in the order of the sources, and what was passed over."""

    output: Path
    on_mismatch: str
    entries: list[Entry] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    unknown_folders: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, sources: Sources, output: Path, on_mismatch: str) -> ImportReport:
        """An empty report that knows what was passed over."""
        return cls(output, on_mismatch, [], list(sources.passed_over), dict(sources.unknown_folders))

    @property
    def path(self) -> Path:
        """Where it is written: beside the pattern file."""
        return self.output.with_suffix(".report.json")

    @property
    def counts(self) -> dict[str, int]:
        """Pictures by outcome, those that occur."""
        return dict(Counter(entry.outcome for entry in self.entries))

    @property
    def stored(self) -> int:
        """Pictures that are in the file."""
        return sum(entry.outcome in STORED for entry in self.entries)

    @property
    def mismatches(self) -> list[Entry]:
        """Pictures that have another group than they claim."""
        return [entry for entry in self.entries if entry.claimed and entry.found and entry.claimed != entry.found]

    @property
    def missing(self) -> list[Entry]:
        """Pictures that are not in the file."""
        return [entry for entry in self.entries if entry.outcome not in STORED]

    def table(self) -> dict[str, dict[str, int]]:
        """For each claim, how many pictures of each group were found; "none" counts those without a group."""
        rows: dict[str, Counter[str]] = {}
        for entry in self.entries:
            rows.setdefault(entry.claimed or NO_CLAIM, Counter())[entry.found or NONE] += 1
        order = [name for name in (*GROUP_NAMES, NO_CLAIM) if name in rows]
        return {name: dict(sorted(rows[name].items(), key=lambda item: _rank(name, item))) for name in order}

    def lines(self) -> Iterator[str]:
        """The table as text."""
        yield f"{'claimed':<10} {'pictures':>8}  found"
        for claim, found in self.table().items():
            listed = ", ".join(f"{name} {count}" for name, count in found.items())
            yield f"{claim:<10} {sum(found.values()):>8}  {listed}"

    def to_json(self) -> str:
        """Everything as JSON text."""
        head = {"format": REPORT_FORMAT, "output": str(self.output), "on_mismatch": self.on_mismatch}
        body = {
            "pictures": len(self.entries),
            "stored": self.stored,
            "counts": self.counts,
            "found_by_claim": self.table(),
            "passed_over": self.passed_over,
            "folders_without_claim": self.unknown_folders,
        }
        return json.dumps({**head, **body, "entries": self._numbered()}, indent=1)

    def _numbered(self) -> list[dict[str, Any]]:
        """The entries with their places in the file."""
        place, rows = 0, []
        for entry in self.entries:
            stored = entry.outcome in STORED
            rows.append({**asdict(entry), "index": place if stored else None})
            place += stored
        return rows


def _rank(claim: str, item: tuple[str, int]) -> tuple[bool, bool, int]:
    """The claimed group first, then the most frequent; those without a group last."""
    return item[0] != claim, item[0] == NONE, -item[1]
