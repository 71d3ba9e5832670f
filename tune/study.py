"""The Optuna study of one phase: proposes, remembers, and can be gone on with after any end of the process.

Kept in a log that is only ever appended to, so a process that is killed loses nothing that it was told. Every
proposal is drawn from a seed of its own: a resumed search proposes what it would have. Knows no Ray and no MLflow.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from tune.phases import Direction, Objective
from tune.samplers import build_sampler
from tune.space import Space

LOG, DATABASE = "study.log", "study.db"
"""The study itself, and its finished trials for optuna-dashboard and others, both in the phase's folder."""

NAME, OUTCOME, WARM = "name", "outcome", "warm started from"
"""User attributes of a trial: its own name, once it is wholly proposed; how it ended; the search it was taken from."""

STOPPED_EARLY = "stopped early"
GOOD = ("finished", STOPPED_EARLY)
"""Outcomes of trials whose model can be used."""

INVALID, CUT_OFF = "invalid", "cut off"
"""Outcomes of what is no trial of the search: values that exclude each other, a proposal that was not finished."""

_TRIES = 200  # proposals that may be invalid, one after another


@dataclass(frozen=True, slots=True)
class Asked:
    """A trial to be run."""

    name: str
    """The same when it is retried or resumed: its folder's, and its run's."""
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Past:
    """A trial that has ended."""

    name: str
    settings: Mapping[str, Any]
    outcome: str
    """finished, stopped early, diverged or failed."""
    values: tuple[float, ...]
    """Of the objectives; empty if it came to none."""
    about: Mapping[str, Any]
    """What it was told with: seconds, epoch, epochs, run_id, reason, gpu."""


class Study:
    """The trials of one phase of a search, oldest first."""

    def __init__(
        self, folder: Path, name: str, space: Space, objectives: Sequence[Objective], *, sampler: str, seed: int
    ) -> None:
        """Open the study in `folder`, or begin it there."""
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.folder, self.name, self.space, self.objectives = folder, name, space, tuple(objectives)
        self._sampler, self._seed, self.trials = sampler, seed, 0
        folder.mkdir(parents=True, exist_ok=True)
        directions = [objective.direction for objective in self.objectives]
        self.study = _open(folder / LOG, name, directions)
        self._open: dict[str, FrozenTrial] = {}
        self._interrupted = [trial for trial in self._found(TrialState.RUNNING) if self._is_whole(trial)]
        self._export: optuna.Study | None = None
        self._directions = directions

    @property
    def is_new(self) -> bool:
        """Whether nothing has been asked for or told yet."""
        return not self.study.get_trials(deepcopy=False)

    def mark(self, about: Mapping[str, Any]) -> None:
        """Keep something about the study with it."""
        for name, value in about.items():
            self.study.set_user_attr(name, value)
        self._call_metrics_by_name(self.study)

    def begin(self, trials: int, points: Sequence[Mapping[str, Any]]) -> None:
        """Say how many trials there shall be, and in a new study which whole proposals come first; equal ones once."""
        self.trials = trials
        if self._names():
            return
        first: list[Mapping[str, Any]] = []
        for point in points:
            if point not in first:
                first.append(point)
        known = sum("fixed_params" in trial.system_attrs for trial in self.study.get_trials(deepcopy=False))
        for point in first[known:trials]:  # a process that was killed may have said some of them
            self.study.enqueue_trial(self.space.labelled(point))

    def ask(self) -> Asked | None:
        """The next trial: one that was interrupted, else a new one; None if there are enough.

        Raises: ValueError: no proposal of the space can be trained with.
        """
        if self._interrupted:
            frozen = self._interrupted.pop(0)
            settings = self._proposed(optuna.trial.Trial(self.study, frozen._trial_id))
            if settings is not None:
                return self._asked(frozen.number, settings)
        for _ in range(_TRIES):
            if self.left == 0:
                return None
            self._seeded()
            trial = self.study.ask()
            settings = self._proposed(trial)
            if settings is not None:
                return self._asked(trial.number, settings)
        raise ValueError(f"proposals of the space must be settings that can be trained with, but {_TRIES} were not")

    def tell(self, name: str, outcome: str, values: Sequence[float], **about: Any) -> None:
        """A trial has ended. Values that are not finite are as bad as can be; failed trials have none."""
        frozen = self._open.pop(name)
        trial = optuna.trial.Trial(self.study, frozen._trial_id)
        for key, value in {**about, OUTCOME: outcome}.items():
            trial.set_user_attr(key, value)
        if outcome == "failed":
            self.study.tell(frozen.number, state=TrialState.FAIL)
        else:
            worst = [-math.inf if objective.direction == "maximize" else math.inf for objective in self.objectives]
            bad = outcome == "diverged" or len(values) < len(worst)
            told = [w if bad or not math.isfinite(v) else v for v, w in zip([*values, *worst], worst, strict=False)]
            self.study.tell(frozen.number, told)

    def past(self) -> list[Past]:
        """The trials that have ended, each once, by name."""
        found = {}
        for trial in self._found(TrialState.COMPLETE, TrialState.FAIL):
            found[trial.user_attrs[NAME]] = _past(trial, self.space)
        again = {trial.user_attrs.get(NAME) for trial in self._found(TrialState.RUNNING, TrialState.WAITING)}
        return [found[name] for name in sorted(found, key=int) if name not in again]

    def best(self) -> Past | None:
        """The good trial with the best value of the first objective."""
        good = [past for past in self.past() if past.outcome in GOOD and past.values and math.isfinite(past.values[0])]
        return min(good, key=lambda past: self.objectives[0].loss(past.values[0]), default=None)

    @property
    def left(self) -> int:
        """Trials that are still to be begun, those interrupted or to be retried among them."""
        retries = [trial for trial in self._found(TrialState.WAITING) if NAME in trial.user_attrs]
        return len(self._interrupted) + len(retries) + max(0, self.trials - len(self._names()))

    def retry_failed(self) -> int:
        """Have the trials that failed run again, under their names; how many."""
        failed = [past for past in self.past() if past.outcome == "failed"]
        waiting = {trial.user_attrs.get(NAME) for trial in self._found(TrialState.WAITING)}
        for past in failed:
            if past.name not in waiting:
                labelled = self.space.labelled(past.settings)
                self.study.enqueue_trial(labelled, user_attrs={NAME: past.name})
        return len(failed)

    def warm_start(self, other: optuna.Study) -> tuple[int, list[dict[str, Any]]]:
        """Learn from another search's finished trials.

        Where it searched the same ground (data, settings that stay, objectives), its trials are taken over; the values
        of another ground mean nothing here, but its best settings are worth a try.

        Returns: how many trials were taken over, and the points to begin with.
        """
        finished = [trial for trial in other.get_trials(deepcopy=False) if trial.state == TrialState.COMPLETE]
        usable = [(trial, settings) for trial in finished if (settings := _settings(trial, self.space)) is not None]
        same = other.user_attrs.get("ground") == self.study.user_attrs.get("ground")
        if same and [d.name.lower() for d in other.directions] == self._directions:
            for trial, _ in usable:
                attributes = {WARM: other.study_name, **trial.user_attrs}
                copy = optuna.trial.create_trial(
                    params=trial.params, distributions=trial.distributions, values=trial.values, user_attrs=attributes
                )
                self.study.add_trial(copy)
            return len(usable), []
        sign = 1 if other.directions[0].name == "MINIMIZE" else -1
        usable.sort(key=lambda each: sign * each[0].values[0])
        return 0, [settings for _, settings in usable[:3]]

    def export(self) -> Path:
        """Bring `DATABASE` up to date, one transaction for each trial that has ended; its path."""
        path = self.folder / DATABASE
        if self._export is None:
            storage = RDBStorage(f"sqlite:///{path}")
            self._export = optuna.create_study(
                study_name=self.name, storage=storage, directions=self._directions, load_if_exists=True
            )
            self._call_metrics_by_name(self._export)
            for key, value in self.study.user_attrs.items():
                self._export.set_user_attr(key, value)
        known = {trial.user_attrs["number"] for trial in self._export.get_trials(deepcopy=False)}
        for trial in self._found(TrialState.COMPLETE, TrialState.FAIL, warm=True):
            if trial.number not in known:
                trial.user_attrs["number"] = trial.number
                self._export.add_trial(trial)
        return path

    def _call_metrics_by_name(self, study: optuna.Study) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study.set_metric_names([objective.name for objective in self.objectives])

    def _found(self, *states: TrialState, warm: bool = False) -> list[FrozenTrial]:
        found = self.study.get_trials(states=states)
        kept = [trial for trial in found if warm or WARM not in trial.user_attrs]
        return [trial for trial in kept if trial.user_attrs.get(OUTCOME) not in (INVALID, CUT_OFF)]

    def _names(self) -> set[str]:
        """Of all trials that have been asked for."""
        found = self._found(TrialState.RUNNING, TrialState.COMPLETE, TrialState.FAIL)
        return {trial.user_attrs[NAME] for trial in found if NAME in trial.user_attrs}

    def _is_whole(self, trial: FrozenTrial) -> bool:
        """Whether nothing is to be drawn for it; otherwise it is closed, to be drawn again from the same seed."""
        if NAME in trial.user_attrs or "fixed_params" in trial.system_attrs:
            return True
        optuna.trial.Trial(self.study, trial._trial_id).set_user_attr(OUTCOME, CUT_OFF)
        self.study.tell(trial.number, state=TrialState.FAIL)
        return False

    def _asked(self, number: int, settings: Mapping[str, Any]) -> Asked:
        frozen = self.study.get_trials(deepcopy=False)[number]
        name = frozen.user_attrs.get(NAME, f"{len(self._names()):03d}")
        optuna.trial.Trial(self.study, frozen._trial_id).set_user_attr(NAME, name)
        self._open[name] = frozen
        return Asked(name, settings)

    def _seeded(self) -> None:
        """A sampler that depends on the seed and on how many proposals there have been."""
        asked = [t for t in self.study.get_trials(deepcopy=False) if t.state != TrialState.WAITING]
        asked = [trial for trial in asked if trial.user_attrs.get(OUTCOME) != CUT_OFF]
        self.study.sampler = build_sampler(self._sampler, self._seed, len(asked), self.trials)

    def _proposed(self, trial: optuna.Trial) -> dict[str, Any] | None:
        """The trial's settings; None, and the trial is closed, if they cannot be trained with."""
        settings = self.space.propose(trial)
        try:
            self.space.config(settings)
        except ValueError as error:
            trial.set_user_attr(OUTCOME, INVALID)
            trial.set_user_attr("reason", str(error))
            self.study.tell(trial.number, state=TrialState.FAIL)
            return None
        return settings


def load_database(path: Path) -> optuna.Study:
    """The only study of a database. Raises: FileNotFoundError; ValueError: it holds none, or several."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} must be a study's database, but there is none")
    storage = RDBStorage(f"sqlite:///{path}")
    names = [study.study_name for study in optuna.get_all_study_summaries(storage)]
    if len(names) != 1:
        raise ValueError(f"{path} must hold one study, but holds {len(names)}: {', '.join(names)}")
    return optuna.load_study(study_name=names[0], storage=storage)


def _open(log: Path, name: str, directions: Sequence[Direction]) -> optuna.Study:
    """The study in a log, from which what a killed process left half-written is removed."""
    with contextlib.suppress(FileNotFoundError):
        content = log.read_bytes()
        if not content.endswith(b"\n"):
            log.write_bytes(content[: content.rfind(b"\n") + 1])
    for left in log.parent.glob(f"{log.name}.lock*"):
        left.unlink(missing_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        storage = JournalStorage(JournalFileBackend(str(log)))
    return optuna.create_study(study_name=name, storage=storage, directions=list(directions), load_if_exists=True)


def _settings(trial: FrozenTrial, space: Space) -> dict[str, Any] | None:
    """The trial's settings, None if they are none of the space's."""
    try:
        settings = space.propose(optuna.trial.FixedTrial(trial.params))
        space.config(settings)
        whole = space.labelled(settings) == trial.params
        return settings if whole and space.point(settings) == settings else None
    except ValueError:
        return None


def _past(trial: FrozenTrial, space: Space) -> Past:
    settings = _settings(trial, space) or dict(trial.params)
    about = {key: value for key, value in trial.user_attrs.items() if key not in (NAME, OUTCOME)}
    values = tuple(trial.values) if trial.state == TrialState.COMPLETE and trial.values else ()
    return Past(str(trial.user_attrs[NAME]), settings, str(trial.user_attrs.get(OUTCOME, "failed")), values, about)
