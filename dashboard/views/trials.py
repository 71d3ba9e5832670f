"""The trials of a search, from the runs that it consists of.

A trial is a run below a search's; no study has to be opened.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dashboard.store import RunRecord

SEARCH, TRIAL, EARLY, OBJECTIVES = "search", "search.trial", "stopped_early", "search.objectives"
"""A search's phase; and tags of its runs."""

OBJECTIVE = "objective"
"""The metric of a trial: its best value of the first objective so far."""

METRICS = {
    "psnr": "val/psnr",
    "loss": "val/loss",
    "kl": "val/kl",
    "size": "parameters",
    "w2": "val/wasserstein2",
    "energy": "val/energy_distance",
    "nfe": "val/nfe",
    "curvature": "val/curvature",
    "flow": "val/flow",
}
"""The metric behind each objective's name."""

MORE_IS_BETTER = frozenset({"psnr"})

STATES = ("finished", "stopped early", "running", "failed", "stopped")


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial of a search."""

    number: int
    run_id: str
    state: str
    """One of `STATES`."""
    values: tuple[float, ...]
    """Of the objectives; empty until there are some."""
    settings: Mapping[str, str]
    epoch: int
    started: float
    ended: float | None
    reason: str

    @property
    def is_good(self) -> bool:
        """Whether its values count."""
        return self.state in ("finished", "stopped early") and bool(self.values)


@dataclass(frozen=True, slots=True)
class Search:
    """One phase of a search."""

    name: str
    run_id: str
    objectives: tuple[str, ...]
    trials: tuple[Trial, ...]
    planned: int | None

    @property
    def up(self) -> bool:
        """Whether more is better of the first objective."""
        return self.objectives[0] in MORE_IS_BETTER

    def best(self) -> Trial | None:
        """The good trial with the best value of the first objective."""
        good = [trial for trial in self.trials if trial.is_good]
        sign = -1 if self.up else 1
        return min(good, key=lambda trial: sign * trial.values[0], default=None)

    def varied(self) -> list[str]:
        """Settings of which the trials have more than one value."""
        values: dict[str, set[str]] = {}
        for trial in self.trials:
            for name, value in trial.settings.items():
                values.setdefault(name, set()).add(value)
        return sorted(name for name, known in values.items() if len(known) > 1 and name != "seed")

    def only(self, states: Sequence[str]) -> Search:
        """The same without trials of other states."""
        kept = tuple(trial for trial in self.trials if trial.state in states)
        return Search(self.name, self.run_id, self.objectives, kept, self.planned)


def search_of(run: RunRecord, children: Sequence[RunRecord]) -> Search:
    """A search from its run and those of its trials."""
    names = tuple(filter(None, run.tags.get(OBJECTIVES, "").split(","))) or ("loss",)
    trials = tuple(
        sorted((_trial(child, names) for child in children if TRIAL in child.tags), key=lambda trial: trial.number)
    )
    planned = run.settings.get("trials", "")
    return Search(run.name, run.run_id, names, trials, int(planned) if planned.isdecimal() else None)


def search_shown(runs: Sequence[RunRecord], chosen: RunRecord | None) -> str:
    """The search to show beside a chosen run: itself, the one that it is a trial of, else the newest. Its run's id."""
    searches = [run.run_id for run in runs if run.phase == SEARCH]
    own = (chosen.run_id, chosen.parent) if chosen else ()
    return next((run_id for run_id in own if run_id in searches), next(iter(searches), ""))


def number_of(value: str) -> float | None:
    """A setting as a number, None if it is none."""
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def influence(search: Search, fewest: int = 5) -> dict[str, float]:
    """How strongly each setting goes along with the first objective: |rank correlation|, the largest first.

    Of settings that are numbers, over the good trials; empty for fewer than `fewest`. Spearman, *Am. J. Psychol.* 15
    (1904) 72: the correlation of ranks, ties with the mean of their ranks.
    """
    good = [trial for trial in search.trials if trial.is_good]
    if len(good) < fewest:
        return {}
    values = _ranks([trial.values[0] for trial in good])
    found: dict[str, float] = {}
    for name in search.varied():
        numbers = [number_of(trial.settings.get(name, "")) for trial in good]
        known = [number for number in numbers if number is not None]
        if len(known) == len(good):
            found[name] = abs(_correlation(_ranks(known), values))
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def pareto(search: Search) -> list[Trial]:
    """Good trials than which no other is better in both of the first two objectives, by the first."""
    good = [trial for trial in search.trials if trial.is_good and len(trial.values) > 1]
    signs = [-1 if name in MORE_IS_BETTER else 1 for name in search.objectives[:2]]
    losses = {trial.number: tuple(s * v for s, v in zip(signs, trial.values, strict=False)) for trial in good}

    def is_beaten(own: tuple[float, ...]) -> bool:
        return any(all(a <= b for a, b in zip(other, own, strict=True)) and other != own for other in losses.values())

    return sorted((t for t in good if not is_beaten(losses[t.number])), key=lambda trial: trial.values[0])


def _trial(run: RunRecord, objectives: Sequence[str]) -> Trial:
    state = {"RUNNING": "running", "FINISHED": "finished", "KILLED": "stopped"}.get(run.status, "failed")
    if state == "finished" and run.tags.get(EARLY) == "true":
        state = "stopped early"
    names = [OBJECTIVE, *(METRICS.get(name, name) for name in objectives[1:])]
    values = tuple(run.latest[name].value for name in names if name in run.latest)
    name = run.tags[TRIAL]
    return Trial(
        int(name) if name.isdecimal() else 0,
        run.run_id,
        state,
        values if len(values) == len(names) else (),
        run.settings,
        max((point.step for point in run.latest.values()), default=0),
        run.started,
        run.ended,
        run.tags.get("error", ""),
    )


def _ranks(values: list[float]) -> list[float]:
    return [sum(other < value for other in values) + (values.count(value) - 1) / 2 for value in values]


def _correlation(first: Sequence[float], second: Sequence[float]) -> float:
    a, b = ([value - sum(values) / len(values) for value in values] for values in (first, second))
    spread = math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))
    return sum(x * y for x, y in zip(a, b, strict=True)) / spread if spread else 0.0
