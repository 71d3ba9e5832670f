"""Which kills are drawn, and that a trial which is lost, doubled or told otherwise is seen."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from benchmarks import faults_search as searches
from benchmarks.faults_victims import AWAY, KINDS, OTHER, draw, draw_kinds
from tune.options import SEARCH
from tune.phases import ODE
from tune.space_data import build_space
from tune.study import DATABASE, Study
from wallpaper import tracking
from wallpaper.training.ode_config import OdeConfig

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.mark.parametrize("times", [1, 7, 30])
def test_every_kind_of_process_is_killed(times: int) -> None:
    for seed in range(20):
        kinds = draw_kinds(times, Random(seed))
        assert len(kinds) == times
        assert set(kinds) <= {*KINDS, OTHER}
        assert len(set(kinds) - {OTHER}) == min(times, len(KINDS))
        assert kinds == draw_kinds(times, Random(seed))


def test_all_kills_of_a_command_fall_into_its_work() -> None:
    plans = draw(KINDS, 20.0, Random(0))
    assert [plan.kind for plan in plans] == list(KINDS)
    assert 0 < sum(plan.seconds for plan in plans) < 20
    assert all(AWAY[0] <= plan.away <= AWAY[1] for plan in plans)


@pytest.fixture
def project(tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a search of two finished trials, as Optuna and MLflow know them."""
    shutil.copy(tables, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    folder = tmp_path / searches.SEARCHES / "s1"
    space = build_space({"hidden_dim": [64, 128]}, ODE, OdeConfig.preset("smoke"))
    study = Study(folder / "ode", "s1-ode", space, ODE.objectives[:1], sampler="random", seed=0)
    study.begin(2, [])
    with tracking.start("search-s1-ode", phase="search") as parent:
        for value in (2.0, 1.0):
            asked = study.ask()
            assert asked is not None
            tags = {"search.trial": asked.name}
            with tracking.start(f"s1-ode-{asked.name}", phase="train_ode", parent=parent.run_id, tags=tags) as run:
                run.log({"objective": value}, 1)
            study.tell(asked.name, "finished", [value], run_id=run.run_id)
            parent.log({"best": value}, int(asked.name) + 1)
    study.export()
    (folder / SEARCH).write_text(json.dumps({"spaces": {"ode": {}}, "options": {"trials": 2}}))
    return tmp_path


def change(database: Path, words: str) -> None:
    with closing(sqlite3.connect(database)) as opened:
        assert opened.execute(words).rowcount
        opened.commit()


def test_a_search_that_is_well_is_said_to_be(project: Path) -> None:
    before = [searches.finished(project)]
    assert list(searches.values(project).values()) == [2.0, 1.0]
    assert searches.lost(project, before) == searches.doubled(project) == []
    assert searches.uncounted(project) == searches.disagreeing(project) == []


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        ("UPDATE metrics SET value = 3 WHERE key = 'objective' AND value = 1", "told 1.0, recorded"),
        ("DELETE FROM metrics WHERE key = 'objective' AND value = 1", "told 1.0, recorded"),
        ("DELETE FROM metrics WHERE key = 'best' AND step = 2", "best recorded at"),
        ("UPDATE runs SET status = 'KILLED' WHERE name = 's1-ode-001'", "is KILLED"),
        ("UPDATE tags SET value = 'x' WHERE key = 'mlflow.parentRunId'", "below one that is None"),
        ("UPDATE runs SET name = 's1-ode-000' WHERE name = 's1-ode-001'", "2 runs"),
        ("UPDATE tags SET key = 'stopped_early' WHERE key = 'wallpaper.version'", "stopped early"),
    ],
)
def test_what_mlflow_has_otherwise_is_seen(project: Path, words: str, seen: str) -> None:
    change(project / "mlflow.db", words)
    assert seen in " ".join(searches.disagreeing(project))


@pytest.mark.parametrize(
    ("words", "check"),
    [
        ("DELETE FROM trial_user_attributes WHERE trial_id = 2", "lost uncounted disagreeing"),
        ("UPDATE trial_values SET value = 3 WHERE trial_id = 2", "lost disagreeing"),
        ("UPDATE trial_user_attributes SET value_json = '\"000\"' WHERE value_json = '\"001\"'", "lost doubled"),
        ("UPDATE trial_user_attributes SET value_json = '\"failed\"' WHERE value_json = '\"finished\"'", "uncounted"),
    ],
)
def test_what_the_study_has_otherwise_is_seen(project: Path, words: str, check: str) -> None:
    before = [searches.finished(project)]
    change(project / searches.SEARCHES / "s1" / "ode" / DATABASE, words)
    found = {
        "lost": searches.lost(project, before),
        "doubled": searches.doubled(project),
        "uncounted": searches.uncounted(project),
        "disagreeing": searches.disagreeing(project),
    }
    for name in check.split():
        assert found[name], name
