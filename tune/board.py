"""What a search shows: one table of its trials while they run, or a line for each that has ended if nobody looks.

Keeps what became of each trial. Knows no Ray.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tune.phases import Objective, Phase
from tune.study import GOOD, Past

RUNNING, KILLED = "running", "killed"


@dataclass(slots=True)
class Row:
    """One trial so far."""

    name: str
    settings: Mapping[str, Any]
    state: str = RUNNING
    """running, finished, stopped early, diverged, failed, or killed."""
    values: tuple[float, ...] = ()
    """Of the objectives, the best so far; empty until there are some."""
    epoch: int = 0
    epochs: int = 0
    run_id: str = ""
    """Of its run in MLflow; empty until it has told something."""
    gpu: str = ""
    reason: str = ""
    started: float = field(default_factory=lambda: time.time())
    seconds: float = 0.0

    def told(self, result: Mapping[str, Any]) -> None:
        """Take over what the trial has told."""
        self.values = tuple(result.get("values", self.values))
        self.epoch, self.epochs = int(result.get("epoch", self.epoch)), int(result.get("epochs", self.epochs))
        self.run_id, self.gpu = str(result.get("mlflow_run", self.run_id)), str(result.get("gpu", self.gpu))
        self.seconds = time.time() - self.started

    @property
    def share(self) -> float:
        """Of the trial's work, what is done."""
        return 1.0 if self.state not in (RUNNING, KILLED) else self.epoch / self.epochs if self.epochs else 0.0


class Board:
    """All trials of a phase, those of an earlier process too."""

    def __init__(
        self, phase: Phase, objectives: Sequence[Objective], trials: int, *, past: Sequence[Past] = (),
        console: Console | None = None,
    ) -> None:  # fmt: skip
        self.phase, self.objectives, self.trials = phase, tuple(objectives), trials
        self.rows = {each.name: _past_row(each) for each in past}
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._began, self._done_before = time.time(), sum(row.share for row in self.rows.values())
        self._live: Live | None = None

    def __enter__(self) -> Board:
        if self._console.is_terminal:
            self._live = Live(get_renderable=self.table, console=self._console, refresh_per_second=2, transient=True)
            self._live.start()
        else:
            self._console.print(heading(self.objectives))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._console.print(self.table())

    def row(self, name: str, settings: Mapping[str, Any]) -> Row:
        """The row of a trial, new if it was not heard of before or is tried again."""
        row = self.rows.get(name)
        if row is None or row.state != RUNNING:
            row = self.rows[name] = Row(name, dict(settings))
        return row

    def end(self, row: Row, state: str, reason: str = "") -> None:
        """A trial has ended: say so."""
        row.state, row.reason, row.seconds = state, reason, time.time() - row.started
        if self._live is None:
            self._console.print(line(row, len(self.ended), self.trials, self.objectives, best=self.best() is row))

    @property
    def ended(self) -> list[Row]:
        """Trials that came to an end of their own."""
        return [row for row in self.rows.values() if row.state not in (RUNNING, KILLED)]

    def best(self) -> Row | None:
        """The trial that ended well with the best value of the first objective, or None."""
        good = [row for row in self.ended if row.state in GOOD and row.values]
        return min(good, key=lambda row: self.objectives[0].loss(row.values[0]), default=None)

    def seconds_left(self) -> float | None:
        """How long the rest will take if it goes on like this; None before anything is done."""
        done = sum(row.share for row in self.rows.values())
        rate = (done - self._done_before) / max(time.time() - self._began, 1e-9)
        return (self.trials - done) / rate if rate > 0 else None

    def table(self) -> Group:
        """The trials as a table that fits the window: those that run, and the best and the last of the others."""
        room = max(4, self._console.height - 8)
        best = self.best()
        ended = [row for row in self.ended if row is not best]
        going = [row for row in self.rows.values() if row.state in (RUNNING, KILLED)]
        shown = [*([best] if best else []), *ended[len(ended) - max(0, room - len(going) - 1) :], *going]
        table = Table(box=None, header_style="bold", pad_edge=False)
        titles = [each.title for each in self.objectives]
        widths = {"trial": 5, "phase": 5, **dict.fromkeys(titles, 9), "epoch": 7, "state": 13, "time": 7, "GPU": 3}
        for name, width in widths.items():
            side: Literal["left", "right"] = "left" if name in ("trial", "phase", "state", "GPU") else "right"
            table.add_column(name, justify=side, no_wrap=True, min_width=width)
        left = self._console.width - sum(widths.values()) - 2 * len(widths)
        table.add_column("settings", overflow="ellipsis", no_wrap=True, max_width=max(8, left))
        for row in shown:
            values = [number(value) for value in row.values] or ["-"] * len(self.objectives)
            spent = row.seconds if row.state != RUNNING else time.time() - row.started
            cells = [f"{row.epoch}/{row.epochs}" if row.epochs else "-", row.state, duration(spent), row.gpu or "-"]
            cells += [row.reason or ", ".join(f"{name} {short(value)}" for name, value in row.settings.items())]
            style = "green" if row is best else "red" if row.state in ("failed", "diverged") else ""
            table.add_row(row.name, self.phase.title, *values, *cells, style=style)
        return Group(table, Text(self.summary(), style="dim"))

    def summary(self) -> str:
        """How far the phase is."""
        running = sum(row.state == RUNNING for row in self.rows.values())
        left, best = self.seconds_left(), self.best()
        text = f"{self.phase.title}: {len(self.ended)}/{self.trials} done, {running} running"
        text += f", best {number(best.values[0])} (trial {best.name})" if best else ""
        return text + (f", about {duration(left)} left" if left and len(self.ended) < self.trials else "")


def heading(objectives: Sequence[Objective]) -> str:
    """Above the lines of trials."""
    return f"  trial  {', '.join(each.title for each in objectives)} at best; * is the best until then"


def line(row: Row, ended: int, trials: int, objectives: Sequence[Objective], *, best: bool = False) -> str:
    """One trial that has ended, as text."""
    values = " ".join(f"{number(value):>9}" for value in row.values) or " ".join(["        -"] * len(objectives))
    settings = "  ".join(f"{name} {short(value)}" for name, value in row.settings.items())
    reason = f"  ({row.reason})" if row.reason else ""
    gpu = f"  GPU {row.gpu}" if row.gpu else ""
    return (
        f"{ended:>3}/{trials}  {row.name}{'*' if best else ' '} {values}  {row.state:<13} {duration(row.seconds):>7}"
        f"{gpu}  {settings}{reason}"
    )


def number(value: float) -> str:
    """A figure in few digits; whole ones whole."""
    return f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e9 else f"{value:.4g}"


def short(value: object) -> str:
    """A setting in few digits."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def duration(seconds: float) -> str:
    """Seconds as text, to two places."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _past_row(past: Past) -> Row:
    about = past.about
    return Row(
        past.name, past.settings, past.outcome, past.values, int(about.get("epoch", 0)), int(about.get("epochs", 0)),
        str(about.get("run_id", "")), str(about.get("gpu", "")), str(about.get("reason", "")),
        float(about.get("started", 0.0)), float(about.get("seconds", 0.0)),
    )  # fmt: skip
