"""The study without Ray: what it proposes, what it takes for a value, and that any end of the process costs nothing."""

from __future__ import annotations

import math
import warnings
from collections.abc import Collection
from pathlib import Path
from typing import Any

import optuna
import pytest

from tune.phases import ODE, Objective
from tune.samplers import SAMPLERS, build_sampler
from tune.space import Space
from tune.space_data import build_space
from tune.study import LOG, Past, Study, load_database
from wallpaper.training.ode_config import OdeConfig

ROWS: dict[str, Any] = {
    "learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
    "hidden_dim": [64, 128, 256],
    "solver": ["dopri5", "rk4"],
    "rtol": {"low": 1e-6, "high": 1e-2, "log": True, "when": {"solver": "dopri5"}},
}
W2, _, NFE, *_ = ODE.objectives
PSNR = Objective("psnr", "val/psnr", "PSNR", "maximize")


def space(rows: Any = None) -> Space:
    return build_space(rows or ROWS, ODE, OdeConfig.preset("smoke"))


def opened(folder: Path, trials: int = 9, objectives: Any = (W2,), sampler: str = "tpe", seed: int = 0) -> Study:
    study = Study(folder, "search-ode", space(), objectives, sampler=sampler, seed=seed)
    study.begin(trials, [study.space.start(), study.space.plan()])
    return study


def searched(folder: Path, lost: Collection[int] = (), **options: Any) -> list[Past]:
    """A whole search; before the trials in `lost` are told, their process has gone."""
    study, count = opened(folder, **options), 0
    while (asked := study.ask()) is not None:
        count += 1
        if count in lost:
            study = opened(folder, **options)
            continue
        value = asked.settings["hidden_dim"] / 100 + asked.settings["learning_rate"]
        values = [value, 1 / value][: len(study.objectives)]
        study.tell(asked.name, "diverged" if asked.name == "003" else "finished", values, seconds=1.0)
    return study.past()


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_search_whose_process_dies_ends_like_one_that_goes_through(sampler: str, tmp_path: Path) -> None:
    if sampler == "gp":
        warnings.simplefilter("ignore")  # diverged values, which it says it clips
    through = searched(tmp_path / "a", sampler=sampler)
    assert [past.name for past in through] == [f"{number:03d}" for number in range(9)]
    assert searched(tmp_path / "b", lost={1, 4, 5, 9, 11}, sampler=sampler) == through
    assert len({repr(past.settings) for past in through}) > 6
    assert [past.settings for past in searched(tmp_path / "c", sampler=sampler, seed=1)] != [
        past.settings for past in through
    ]


@pytest.mark.parametrize("said", [0, 1, 2])
def test_given_points_come_first_also_where_a_process_died_among_them(said: int, tmp_path: Path) -> None:
    study = Study(tmp_path, "search-ode", space(), (W2,), sampler="random", seed=0)
    points = [study.space.start(), study.space.plan()]
    for point in points[:said]:
        study.study.enqueue_trial(study.space.labelled(point))
    study = opened(tmp_path)
    asked = [study.ask() for _ in range(3)]
    assert [each.settings for each in asked if each][:2] == points
    assert len([trial for trial in study.study.get_trials() if "fixed_params" in trial.system_attrs]) == 2


def test_given_points_come_first_and_once(tmp_path: Path) -> None:
    study = opened(tmp_path)
    first, second = study.ask(), study.ask()
    assert first is not None
    assert second is not None
    assert (first.settings, second.settings) == (study.space.start(), study.space.plan())
    again = Study(tmp_path / "again", "again", space(), (W2,), sampler="random", seed=0)
    again.begin(9, [again.space.start()] * 3)
    assert len(again.study.trials) == 1


def test_a_proposal_that_was_cut_off_is_made_whole(tmp_path: Path) -> None:
    whole = searched(tmp_path / "a", trials=4)
    study = opened(tmp_path / "b", trials=4)
    for _ in range(2):
        asked = study.ask()
        assert asked is not None
        value = asked.settings["hidden_dim"] / 100 + asked.settings["learning_rate"]
        study.tell(asked.name, "finished", [value], seconds=1.0)
    study.study.sampler = build_sampler("tpe", 0, 2, 4)
    cut = study.study.ask()
    cut.suggest_float("learning_rate", 1e-4, 1e-2, log=True)
    assert len(cut.params) == 1
    later = opened(tmp_path / "b", trials=4).ask()
    assert later is not None
    assert (later.name, later.settings) == ("002", whole[2].settings)


def test_what_is_no_number_is_as_bad_as_can_be_and_never_left_open(tmp_path: Path) -> None:
    study = opened(tmp_path, objectives=(PSNR, NFE))
    for outcome, values in [
        ("finished", [20.0, 14.0]),
        ("finished", [math.nan, 3.0]),
        ("diverged", []),
        ("failed", []),
    ]:
        asked = study.ask()
        assert asked is not None
        study.tell(asked.name, outcome, values, reason=outcome)
    assert [trial.state.name for trial in study.study.trials] == ["COMPLETE"] * 3 + ["FAIL"]
    assert [trial.values for trial in study.study.trials[:3]] == [[20, 14], [-math.inf, 3], [-math.inf, math.inf]]
    best = study.best()
    assert best is not None
    assert (best.name, best.values) == ("000", (20, 14))
    assert [past.outcome for past in study.past()] == ["finished", "finished", "diverged", "failed"]


def test_failed_trials_run_again_under_their_names(tmp_path: Path) -> None:
    study = opened(tmp_path, trials=3)
    for outcome in ("finished", "failed", "finished"):
        asked = study.ask()
        assert asked is not None
        study.tell(asked.name, outcome, [1.0])
    failed = study.past()[1]
    assert study.left == 0
    assert study.ask() is None
    assert study.retry_failed() == 1
    assert study.left == 1
    again = opened(tmp_path, trials=3).ask()  # in another process
    assert again is not None
    assert (again.name, again.settings) == (failed.name, failed.settings)
    study = opened(tmp_path, trials=3)
    assert [past.name for past in study.past()] == ["000", "002"]
    assert study.ask() is not None
    study.tell("001", "finished", [0.5])
    assert [(past.name, past.outcome) for past in study.past()] == [(f"00{n}", "finished") for n in range(3)]
    assert study.left == 0


def test_proposals_that_exclude_each_other_are_no_trials(tmp_path: Path) -> None:
    rows = {"solver": ["dopri5", "rk4"], "adjoint": [False, True], "learning_rate": ROWS["learning_rate"]}
    study = Study(tmp_path, "s", space(rows), (W2,), sampler="random", seed=0)
    study.begin(12, [])
    names = []
    while (asked := study.ask()) is not None:
        assert not (asked.settings["adjoint"] and asked.settings["solver"] == "rk4")
        names.append(asked.name)
        study.tell(asked.name, "finished", [1.0])
    assert len(names) == len(study.past()) == 12
    assert len(study.study.trials) > 12


def test_the_database_has_every_trial_that_ended_once(tmp_path: Path) -> None:
    study = opened(tmp_path, trials=3)
    for value in (3.0, math.inf, 2.0):
        asked = study.ask()
        assert asked is not None
        study.tell(asked.name, "finished", [value], run_id=f"run {value}")
        study.export()
    study.ask()
    path = opened(tmp_path, trials=3).export()
    found = load_database(path)
    assert [trial.values for trial in found.trials] == [[3.0], [math.inf], [2.0]]
    assert [trial.user_attrs["run_id"] for trial in found.trials] == ["run 3.0", "run inf", "run 2.0"]
    assert [trial.params for trial in found.trials] == [trial.params for trial in study.study.trials[:3]]
    with pytest.raises(FileNotFoundError, match="there is none"):
        load_database(tmp_path / "none.db")


def test_a_log_that_was_cut_in_the_middle_of_a_line_is_read_on(tmp_path: Path) -> None:
    study = opened(tmp_path, trials=3)
    asked = study.ask()
    assert asked is not None
    study.tell(asked.name, "finished", [1.0])
    log = tmp_path / LOG
    log.write_bytes(log.read_bytes() + b'{"op_code":4,"stu')
    (tmp_path / f"{LOG}.lock").symlink_to(log)  # and was held
    again = opened(tmp_path, trials=3)
    assert again.past() == study.past()
    assert again.ask() is not None
    assert opened(tmp_path, trials=3).ask() is not None


def test_another_search_is_learnt_from(tmp_path: Path) -> None:
    study = opened(tmp_path / "old", trials=5)
    study.mark({"ground": "the same"})
    while (asked := study.ask()) is not None:
        study.tell(asked.name, "finished", [float(asked.name)])
    old = load_database(study.export())
    for ground, taken in [("the same", 5), ("another", 0)]:
        new = Study(tmp_path / ground, "new", space(), (W2,), sampler="tpe", seed=5)
        new.mark({"ground": ground})
        known, points = new.warm_start(old)
        assert (known, len(points)) == (taken, 0 if taken else 3)
        new.begin(3, points)
        first = new.ask()
        assert first is not None
        assert (first.settings in [past.settings for past in study.past()]) == (not taken)
        assert (new.left, new.past(), new.best()) == (2, [], None)


def test_a_search_can_be_made_longer(tmp_path: Path) -> None:
    searched(tmp_path, trials=3)
    study = opened(tmp_path, trials=5)
    assert study.left == 2
    asked = study.ask()
    assert asked is not None
    assert asked.name == "003"


def test_unknown_samplers_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`sampler` must be one of tpe, gp, .*, but got 'cma'"):
        build_sampler("cma", 0, 0, 1)
    assert isinstance(build_sampler("nsga2", 0, 0, 9), optuna.samplers.NSGAIISampler)
