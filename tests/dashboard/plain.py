"""Plain records for tests of what is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dashboard.store import Curve, RunRecord


def curve(values: list[float], start: int = 1) -> Curve:
    steps = list(range(start, start + len(values)))
    return Curve(steps, values, [1000.0 + 60 * step for step in steps])


def run(name: str = "a", **changes: Any) -> RunRecord:
    plain = RunRecord(
        f"{abs(hash(name)):032x}"[:32], name, "1", "FINISHED", 1000.0, 2000.0, {"phase": "train_vae"}, {}, {}
    )
    return replace(plain, **changes)
