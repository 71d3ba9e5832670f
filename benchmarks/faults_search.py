"""What must be true of the searches of a project whose driver, trials and nodes were killed.

Read from Optuna's database, from its log, and from the tables of MLflow's: three records of the same trials, made by
different processes. Knows no kill but for what it had left.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from optuna import load_study
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from tune.options import SEARCH
from tune.study import DATABASE, LOG, NAME, OUTCOME
from tune.trial import OBJECTIVE

SEARCHES = "output/search"

_TOLD = """
SELECT n.value_json, o.value_json, r.value_json, v.value FROM trials t
JOIN trial_user_attributes n ON n.trial_id = t.trial_id AND n.key = 'name'
JOIN trial_user_attributes o ON o.trial_id = t.trial_id AND o.key = 'outcome'
LEFT JOIN trial_user_attributes r ON r.trial_id = t.trial_id AND r.key = 'run_id'
LEFT JOIN trial_values v ON v.trial_id = t.trial_id AND v.objective = 0
ORDER BY t.trial_id
"""

_NESTED = """
SELECT r.run_uuid, r.name, r.status, p.status, early.value FROM runs r
JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = 'search.trial'
JOIN tags parent ON parent.run_uuid = r.run_uuid AND parent.key = 'mlflow.parentRunId'
LEFT JOIN runs p ON p.run_uuid = parent.value
LEFT JOIN tags early ON early.run_uuid = r.run_uuid AND early.key = 'stopped_early'
"""

_PARENTS = """
SELECT r.run_uuid, r.name, r.status FROM runs r JOIN tags t ON t.run_uuid = r.run_uuid
WHERE t.key = 'phase' AND t.value = 'search'
"""


class Ended(NamedTuple):
    """What is known of a trial that has ended."""

    outcome: str
    run_id: str
    value: float | None


Trials: TypeAlias = dict[str, list[Ended]]
"""By the name of the trial's run; more than one each only if a trial was told twice."""


def finished(folder: Path) -> Trials:
    """The trials that the searches below a project's folder have told Optuna's databases."""
    found: Trials = {}
    for database in sorted(folder.glob(f"{SEARCHES}/*/*/{DATABASE}")):
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=30)) as opened:
            try:
                rows = opened.execute(_TOLD).fetchall()
            except sqlite3.OperationalError:  # killed, or looked at, before it had its tables
                continue
        for name, outcome, run_id, value in rows:
            told = Ended(json.loads(outcome), json.loads(run_id or '""'), value)
            found.setdefault(f"{_place(database)}-{json.loads(name)}", []).append(told)
    return found


def lost(folder: Path, known: Sequence[Trials]) -> list[str]:
    """Trials that had been finished before a kill and are not there, or not the same, in the end."""
    now = finished(folder)
    before = {(name, told) for each in known for name, all_told in each.items() for told in all_told}
    return [f"{name}: {told} before a kill, {now.get(name)} now" for name, told in sorted(before)
            if told not in now.get(name, [])]  # fmt: skip


def doubled(folder: Path) -> list[str]:
    """Trials that were told twice."""
    return [f"{name}: {len(told)} times" for name, told in finished(folder).items() if len(told) > 1]


def uncounted(folder: Path) -> list[str]:
    """Phases that have not as many trials as asked for, or not all of them finished."""
    wrong, found = [], finished(folder)
    for search in sorted(folder.glob(f"{SEARCHES}/*/{SEARCH}")):
        saved = json.loads(search.read_text(encoding="utf-8"))
        for phase in saved["spaces"]:
            name, count = f"{search.parent.name}-{phase}", saved["options"]["trials"]
            expected = [f"{name}-{number:03d}" for number in range(count)]
            own = sorted(trial for trial in found if trial.startswith(f"{name}-"))
            wrong += [f"{name} has {own}, not {expected}"] if own != expected else []
            wrong += [f"{trial}: {told[-1].outcome}" for trial, told in found.items()
                      if trial in own and told[-1].outcome != "finished"]  # fmt: skip
    return wrong


def disagreeing(folder: Path) -> list[str]:
    """What Optuna's database, its log and MLflow's runs say differently of the same trials."""
    told, logged = finished(folder), _logged(folder)
    wrong = [f"{name}: {told.get(name)} in {DATABASE}, {logged.get(name)} in {LOG}"
             for name in sorted({*told, *logged}) if told.get(name) != logged.get(name)]  # fmt: skip
    runs: dict[str, list[Any]] = {}
    for run, name, *about in _rows(folder, _NESTED):
        runs.setdefault(name, []).append((run, *about))
    for name in sorted({*told, *runs}):
        wrong += [f"{name}: {problem}" for problem in _compared(folder, told.get(name, []), runs.get(name, []))]
    return wrong + _parents(folder)


def _compared(folder: Path, told: Sequence[Ended], runs: Sequence[Any]) -> Iterator[str]:
    """What is wrong between a trial and its run."""
    if len(told) != 1 or len(runs) != 1:
        yield f"told {len(told)} times, {len(runs)} runs"
        return
    (run, status, above, early), (ended,) = runs[0], told
    if early:
        yield f"run {run} was stopped early, it says, but nobody did"
    if (status, above, run) != ("FINISHED", "FINISHED", ended.run_id):
        yield f"run {run} is {status} below one that is {above}; told with run {ended.run_id}"
    asked = "SELECT step, value FROM metrics WHERE run_uuid = ? AND key = ? ORDER BY step"
    points = list(_rows(folder, asked, run, OBJECTIVE))
    if [step for step, _ in points] != list(range(1, len(points) + 1)):
        yield f"{OBJECTIVE} is recorded at {[step for step, _ in points]}"
    elif not points or points[-1][1] != ended.value:
        yield f"told {ended.value}, recorded {points[-1:]}"


def _parents(folder: Path) -> list[str]:
    """Phases whose own run is not one, has not ended well, or lacks the best value after one of its trials."""
    wrong: list[str] = []
    runs: dict[str, list[tuple[str, str]]] = {}
    for run, name, status in _rows(folder, _PARENTS):
        runs.setdefault(name, []).append((run, status))
    for database in sorted(folder.glob(f"{SEARCHES}/*/*/{DATABASE}")):
        own = runs.pop(f"search-{_place(database)}", [])
        trials = [name for name in finished(folder) if name.startswith(f"{_place(database)}-")]
        asked = "SELECT step FROM metrics WHERE run_uuid = ? AND key = 'best' ORDER BY step"
        steps = [[step for (step,) in _rows(folder, asked, run)] for run, _ in own]
        if [status for _, status in own] != ["FINISHED"] or steps != [list(range(1, len(trials) + 1))]:
            wrong.append(f"search-{_place(database)}: runs {own}, best recorded at {steps} of {len(trials)} trials")
    return wrong + [f"{name}: a run without a study" for name in runs]


def values(folder: Path) -> Mapping[str, float | None]:
    """What the trials of all searches came to, by phase and number: searches here are alike but for their names."""
    return {name.partition("-")[2]: told[-1].value for name, told in finished(folder).items()}


def _logged(folder: Path) -> Trials:
    """As `finished`, from the studies themselves."""
    found: Trials = {}
    for log in sorted(folder.glob(f"{SEARCHES}/*/*/{LOG}")):
        study = load_study(study_name=_place(log), storage=JournalStorage(JournalFileBackend(str(log))))
        for trial in study.get_trials(states=(TrialState.COMPLETE, TrialState.FAIL)):
            if NAME in trial.user_attrs and OUTCOME in trial.user_attrs:
                value = trial.values[0] if trial.values else None
                told = Ended(trial.user_attrs[OUTCOME], trial.user_attrs.get("run_id", ""), value)
                found.setdefault(f"{_place(log)}-{trial.user_attrs[NAME]}", []).append(told)
    return found


def _place(file: Path) -> str:
    """Search and phase that a file lies in."""
    return f"{file.parents[1].name}-{file.parent.name}"


def _rows(folder: Path, asked: str, *given: str) -> Iterator[Any]:
    with closing(sqlite3.connect(folder / "mlflow.db", timeout=30)) as database:
        yield from database.execute(asked, given).fetchall()
