"""What there is to draw of a search, and what there is not: the data behind `tune.figures`.

Knows Optuna's studies, and nothing that draws.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.importance import get_param_importances
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tune.study import INVALID, OUTCOME, STOPPED_EARLY

DIVERGED = 1e9
"""A value of this size or more, or one that is not finite, stands for a training that diverged."""

FEWEST = 5
"""Trials from which importance is computed; of fewer it would be noise."""

ROUGH = 30
"""Of fewer trials importance is rough, and its heading says so."""

NOT_USED = -0.2
"""Where parallel coordinates put a trial that has no value for a setting."""

TITLES = {
    "history": "Value of each trial, and the best so far",
    "importance": "What mattered: share of the value's variation",
    "parallel": "Settings of each trial, from the best (orange) to the worst (grey)",
    "pareto": "Pareto front",
    "timeline": "When each trial ran",
}
"""All figures, in the order in which they are shown."""

STATES = {
    "COMPLETE": "finished or stopped early",
    "FAIL": "failed or diverged",
    "PRUNED": "pruned or invalid",
    "RUNNING": "running",
    "WAITING": "waiting",
}


ENDINGS = ("finished", STOPPED_EARLY, *list(STATES.values())[1:])
"""What became of a trial, in the order in which it is told."""


@dataclass(frozen=True)
class Scale:
    """One axis of parallel coordinates: 0 at its lower end, 1 at its upper."""

    name: str
    places: list[float]
    ticks: dict[float, str]


@dataclass(frozen=True)
class View:
    """A study, ready to be drawn."""

    study: Study
    """A copy in which diverged trials count as failed."""
    objectives: tuple[str, ...]
    good: list[FrozenTrial]
    """Trials that came to a good end, by their number."""
    preset: FrozenTrial | None
    """The trial with the preset's own settings, if it came to a good end."""
    importance: Mapping[str, float]
    """Shares by setting, the largest first."""
    missing: Mapping[str, str]
    """By figure: why it cannot be drawn, in a sentence."""

    @property
    def figures(self) -> list[str]:
        """Names of the figures that such a study has."""
        return [name for name in TITLES if name != "pareto" or len(self.objectives) > 1]

    def title(self, name: str) -> str:
        """Heading of a figure."""
        if name == "importance" and len(self.good) < ROUGH:
            return f"{TITLES[name]} (of {len(self.good)} trials: rough)"
        if name == "pareto" and len(self.objectives) > 2:
            return f"{TITLES[name]} of {len(self.objectives)} objectives, seen along the first two"
        return TITLES[name]

    def so_far(self, objective: int) -> list[float]:
        """The best value after each good trial."""
        best = min if self.study.directions[objective] == StudyDirection.MINIMIZE else max
        return list(accumulate((trial.values[objective] for trial in self.good), best))

    def ranked(self) -> list[FrozenTrial]:
        """Good trials, the best in the first objective first."""
        up = self.study.directions[0] == StudyDirection.MAXIMIZE
        return sorted(self.good, key=lambda trial: float(trial.values[0]), reverse=up)

    def is_wide(self, objective: int) -> bool:
        """Whether its values need a logarithmic axis."""
        values = [trial.values[objective] for trial in self.good]
        return bool(min(values) > 0 and max(values) > 10 * min(values))

    def summary(self) -> str:
        """How the search went, in a line."""
        trials = self.study.get_trials(deepcopy=False)
        counts = Counter(_ending(trial) for trial in trials)
        text = ", ".join(f"{counts[word]} {word}" for word in ENDINGS if counts[word]) or "no trials yet"
        if not self.good:
            return text
        if len(self.objectives) > 1:
            return f"{text}; {len(self.study.best_trials)} on the front of {' and '.join(self.objectives)}"
        for name, trial in {"best": self.ranked()[0], "the preset's own": self.preset}.items():
            text += f"; {name} {trial.values[0]:.4g} (trial {trial.number})" if trial else ""
        return text


def look_at(study: Study, objectives: Sequence[str] = ()) -> View:
    """Sort out a study, at any time of its search."""
    trials = study.get_trials()
    for trial in trials:
        if trial.state == TrialState.COMPLETE and not all(abs(value) < DIVERGED for value in trial.values):
            trial.state, trial.values = TrialState.FAIL, None
        if trial.user_attrs.get(OUTCOME) == INVALID:  # a proposal that nobody could train with is no failure
            trial.state = TrialState.PRUNED
    good = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    copy = _copy(study, trials)
    given = [t for t in trials if t.user_attrs.get("preset")] + [t for t in trials if "fixed_params" in t.system_attrs]
    preset = next((trial for trial in given[:1] if trial in good), None)
    importance, reason = _importance(copy, good)
    names = tuple(objectives) or _names(study)
    missing = {"importance": reason} if reason else {}
    if not any(trial.params for trial in good):
        missing["parallel"] = "No setting was searched."
    if not good:
        missing |= dict.fromkeys(("history", "parallel", "pareto"), "No trial has come to a good end yet.")
    if not any(trial.datetime_start for trial in trials):
        missing["timeline"] = "No trial has started yet."
    return View(copy, names, good, preset, importance, missing)


def _ending(trial: FrozenTrial) -> str:
    if trial.state == TrialState.COMPLETE:
        return STOPPED_EARLY if trial.user_attrs.get(OUTCOME) == STOPPED_EARLY else "finished"
    return STATES[trial.state.name]


def _copy(study: Study, trials: Sequence[FrozenTrial]) -> Study:
    """A study of other trials, in memory; Optuna would announce it."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        copy = optuna.create_study(directions=study.directions)
    finally:
        optuna.logging.set_verbosity(verbosity)
    copy.add_trials(trials)
    return copy


def _names(study: Study) -> tuple[str, ...]:
    if study.metric_names:
        return tuple(study.metric_names)
    count = len(study.directions)
    return tuple(f"objective {k + 1}" if count > 1 else "objective" for k in range(count))


def _importance(study: Study, good: list[FrozenTrial]) -> tuple[dict[str, float], str]:
    """Shares by setting, or nothing, and why. Settings that never varied are left out."""
    values: dict[str, set[object]] = {}
    for trial in good:
        for name, value in trial.params.items():
            values.setdefault(name, set()).add(value)
    varied = [name for name, found in values.items() if len(found) > 1]
    if len(good) < FEWEST:
        return {}, f"Importance needs at least {FEWEST} trials that came to a good end, but there are {len(good)}."
    if not varied or len({tuple(trial.values) for trial in good}) == 1:
        return {}, "Nothing can matter: all trials had the same settings, or the same value."
    try:
        with warnings.catch_warnings():  # too few trials of a branch: the heading says that it is rough
            warnings.simplefilter("ignore")
            shares = get_param_importances(study, params=varied)
    except (ValueError, RuntimeError, ArithmeticError) as error:
        return {}, f"Importance could not be computed: {error}"
    return dict(sorted(shares.items(), key=lambda item: -item[1])), ""


def scales(view: View, trials: Sequence[FrozenTrial]) -> list[Scale]:
    """Parallel coordinates: an axis for each setting and objective, with the places of `trials` on it."""
    kinds = {name: kind for trial in trials for name, kind in trial.distributions.items()}
    found = []
    for name, kind in kinds.items():
        values = [trial.params.get(name) for trial in trials]
        if isinstance(kind, FloatDistribution | IntDistribution):
            scale = _number_scale(name, values, log=kind.log, whole=isinstance(kind, IntDistribution))
        else:
            scale = _choice_scale(name, values, kind.choices if isinstance(kind, CategoricalDistribution) else values)
        absent = any(name not in trial.params for trial in trials)
        found.append(Scale(name, scale.places, {NOT_USED: "not used", **scale.ticks} if absent else scale.ticks))
    return found + [_number_scale(name, [t.values[k] for t in trials]) for k, name in enumerate(view.objectives)]


def _choice_scale(name: str, values: Sequence[object], choices: Sequence[object]) -> Scale:
    used = [choice for choice in choices if choice in values]
    place = {str(choice): k / max(1, len(used) - 1) for k, choice in enumerate(used)}
    return Scale(name, [place.get(str(value), NOT_USED) for value in values], {at: text for text, at in place.items()})


def _number_scale(name: str, values: Sequence[float | None], *, log: bool = False, whole: bool = False) -> Scale:
    numbers = [value if value is None else math.log(value) if log else float(value) for value in values]
    found = [number for number in numbers if number is not None]
    low, high = min(found), max(found)
    width = high - low or 1.0
    ticks = {k / 4: low + k / 4 * width for k in range(5 if high > low else 1)}
    digits = ".0f" if whole else ".3g"
    return Scale(
        name,
        [NOT_USED if number is None else (number - low) / width for number in numbers],
        {place: f"{math.exp(number) if log else number:{digits}}" for place, number in ticks.items()},
    )
