"""A run's log, made of what it has recorded: its start, a line for each epoch, what its process said, its end.

Lines are plain text with a level; nothing is read here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dashboard.store import Curve, RunRecord
from dashboard.views.progress import LOSS, STATES, best_name, of_part, parts_of
from dashboard.views.text import clock, duration, number
from wallpaper.run_log import TAG as SAID

LEVELS = ("INFO", "WARNING", "ERROR")

SHOWN = ("train/loss", "val/loss", "val/psnr", "val/flow", "val/wasserstein2", "val/nfe", "learning_rate")

LEVEL_OF = {"WARNING": "WARNING", "ERROR": "ERROR", "CRITICAL": "ERROR"}

SPIKE = 2.0
"""A loss so many times the last epoch's is worth a warning."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log."""

    time: float
    level: str
    text: str

    def __str__(self) -> str:
        return f"{clock(self.time)}  {self.level:<7}  {self.text}"


def lines_of(run: RunRecord, curves: Mapping[str, Curve]) -> list[Line]:
    """All that a run's record tells, by time."""
    lines = [Line(run.started, "INFO", f"{run.name} started: {_settings(run)}".removesuffix(": "))]
    for part in parts_of(curves):
        lines += _epochs(of_part(curves, part), run, part)
    lines += _said(run.tags.get(SAID, ""))
    if "error" in run.tags:
        level = "ERROR" if run.status == "FAILED" else "WARNING"
        lines.append(Line(run.ended or run.last_told, level, run.tags["error"].replace("\n", " ")))
    if run.ended is not None:
        state = STATES.get(run.status, run.status.lower())
        level = {"FAILED": "ERROR", "KILLED": "WARNING"}.get(run.status, "INFO")
        lines.append(Line(run.ended, level, f"{run.name} {state} after {duration(run.ended - run.started)}"))
    return sorted(lines, key=lambda line: line.time)


def chosen(lines: Iterable[Line], levels: Sequence[str], typed: str) -> list[Line]:
    """Lines of these levels that hold every word that was typed."""
    words = typed.casefold().split()
    return [line for line in lines if line.level in levels and all(word in str(line).casefold() for word in words)]


def _epochs(curves: Mapping[str, Curve], run: RunRecord, part: str) -> list[Line]:
    lines: list[Line] = []
    loss, judged = curves[LOSS], best_name(curves, run.settings)
    by_step = {name: dict(zip(curve.steps, curve.values, strict=True)) for name, curve in curves.items()}
    of = f"/{run.settings['epochs']}" if run.settings.get("epochs", "").isdecimal() and not part else ""
    best, before = math.inf, math.nan
    for step, value, time in zip(loss.steps, loss.values, loss.times, strict=True):
        words = [f"{part} epoch {step}{of}".strip()]
        words += [f"{name}={number(by_step[name][step])}" for name in SHOWN if step in by_step.get(name, {})]
        seconds = by_step.get("seconds", {}).get(step)
        words += [duration(seconds)] if seconds is not None else []
        level = "INFO"
        if not math.isfinite(value):
            level, words = "ERROR", [*words, "the loss is not finite"]
        elif value > SPIKE * before:
            level, words = "WARNING", [*words, f"the loss is {value / before:.1f} times the last"]
        validation = by_step.get(judged, {}).get(step, math.inf)
        if validation < best:
            best, words = validation, [*words, "best so far"]
        lines.append(Line(time, level, "  ".join(words)))
        before = value
    return lines


def _said(text: str) -> Iterator[Line]:
    """What the run's process said, as `wallpaper.run_log` keeps it; whatever else stands in the tag is left out."""
    for line in text.splitlines():
        try:
            time, level, words = json.loads(line)
            yield Line(float(time), LEVEL_OF.get(level, "INFO"), str(words))
        except (ValueError, TypeError):
            continue


def _settings(run: RunRecord) -> str:
    names = ("preset", "epochs", "batch_size", "learning_rate", "latent_dim", "coupling", "seed")
    return ", ".join(f"{name} {run.settings[name]}" for name in names if run.settings.get(name))
