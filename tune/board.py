"""What a search shows: a line for each trial that has ended, and how many there still are.

Keeps what became of each trial, and which was best. Writes to standard output; knows no Ray.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import click

from tune.trial import OBJECTIVE, WORST


@dataclass(slots=True)
class Row:
    """One trial so far."""

    trial_id: str
    settings: Mapping[str, Any]
    state: str = "running"
    """running, finished, stopped early, diverged, failed, or killed."""
    objective: float = WORST
    """The lowest validation value so far."""
    epoch: int = 0
    run_id: str = ""
    """Of its run in MLflow; empty until it has told something."""
    reason: str = ""
    started: float = field(default_factory=time.monotonic)
    seconds: float = 0.0

    def told(self, result: Mapping[str, Any]) -> None:
        """Take over what the trial has told."""
        self.objective = float(result.get(OBJECTIVE, self.objective))
        self.epoch = int(result.get("epoch", self.epoch))
        self.run_id = str(result.get("mlflow_run", self.run_id))


class Board:
    """All trials of a search."""

    def __init__(self, trials: int) -> None:
        self.rows: dict[str, Row] = {}
        self._trials = trials
        self._live = sys.stdout.isatty()

    def row(self, trial_id: str, settings: Mapping[str, Any]) -> Row:
        """The row of a trial, new if it was not heard of before."""
        return self.rows.setdefault(trial_id, Row(trial_id, dict(settings)))

    @property
    def ended(self) -> list[Row]:
        """Trials that came to an end of their own, in order of their start."""
        return [row for row in self.rows.values() if row.state not in ("running", "killed")]

    def best(self) -> Row | None:
        """The trial that ended well with the lowest value, or None."""
        good = [row for row in self.ended if row.state in ("finished", "stopped early") and row.objective < WORST]
        return min(good, key=lambda row: row.objective, default=None)

    def end(self, row: Row, state: str, reason: str = "") -> None:
        """A trial has ended: say so."""
        row.state, row.reason, row.seconds = state, reason, time.monotonic() - row.started
        self._clear()
        click.echo(line(row, len(self.ended), self._trials, best=self.best() is row))

    def show(self) -> None:
        """On a terminal: one line on what is going on, which the next one replaces."""
        if not self._live:
            return
        running = [row for row in self.rows.values() if row.state == "running"]
        best = self.best()
        text = f"{len(self.ended)}/{self._trials} done, {len(running)} running"
        text += "".join(f"  {row.trial_id}: epoch {row.epoch}" for row in running[:3])
        text += f"  best {best.objective:.4g}" if best else ""
        self._clear()
        click.echo(text[:100], nl=False)

    def _clear(self) -> None:
        if self._live:
            click.echo("\r\x1b[2K", nl=False)


def line(row: Row, number: int, trials: int, *, best: bool = False) -> str:
    """One trial that has ended, as text."""
    value = f"{row.objective:.4g}" if row.objective < WORST else "-"
    settings = "  ".join(f"{name} {short(value)}" for name, value in row.settings.items())
    mark, reason = "*" if best else " ", f"  ({row.reason})" if row.reason else ""
    return f"{number:>3}/{trials}{mark} {value:>9}  {row.state:<13} {row.seconds:>5.0f} s  {settings}{reason}"


def short(value: object) -> str:
    """A setting in few digits."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
