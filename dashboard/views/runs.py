"""Runs as lists show them: which match what was typed, how each is, which to look at first.

Plain data in, plain data out; knows no page.
"""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.store import RunRecord
from dashboard.views.progress import liveness
from dashboard.views.text import phase

TRAININGS = ("train_vae", "train_ode", "demo")


def matching(runs: Sequence[RunRecord], typed: str) -> list[RunRecord]:
    """Runs of which every typed word is in the name, phase, state, id, or is one of its settings as name=value."""
    words = typed.casefold().split()
    return [run for run in runs if all(_has(run, word) for word in words)] if words else list(runs)


def state_of(run: RunRecord, now: float) -> str:
    """How a run is, while the store answers."""
    return liveness(run, now)


def first_choice(runs: Sequence[RunRecord]) -> str:
    """The run to show to somebody who has not chosen: a live training, else the newest one. Args: newest first."""
    trainings = [run for run in runs if run.phase in TRAININGS and run.latest] or list(runs)
    going = [run for run in trainings if run.is_running]
    return next((run.run_id for run in [*going, *trainings]), "")


def _has(run: RunRecord, word: str) -> bool:
    name, equals, value = word.partition("=")
    if equals:
        return run.settings.get(name, run.params.get(name, "")).casefold() == value
    texts = (run.name, run.phase, phase(run.phase), run.status, liveness(run, run.last_told), run.run_id)
    return any(word in text.casefold() for text in texts)
