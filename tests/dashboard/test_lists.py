"""Searches, runs and models as they are shown, from plain data."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.store import File, Latest, VersionRecord
from dashboard.theme import DARK
from dashboard.views import search
from dashboard.views.models import compare, figures_of
from dashboard.views.overview import champions, pictures
from dashboard.views.runs import first_choice, matching
from dashboard.views.trials import Search, influence, pareto, search_of, search_shown
from tests.dashboard.plain import run


def trials(values: list[tuple[float, ...]], objectives: str, **settings: list[Any]) -> Search:
    parent = run("s", tags={"phase": "search", "search.objectives": objectives}, params={"cfg.trials": "9"})
    metrics = ["objective", "val/nfe"]
    children = [
        run(
            f"t{k}",
            tags={"search.trial": f"{k:03d}"},
            params={f"cfg.{name}": str(known[k]) for name, known in settings.items()},
            latest={name: Latest(value, 1, 0.0) for name, value in zip(metrics, own, strict=False)},
        )
        for k, own in enumerate(values)
    ]
    return search_of(parent, children)


def test_the_best_trial_is_the_largest_where_more_is_better() -> None:
    best = trials([(1.0,), (3.0,), (2.0,)], "psnr").best()
    assert best is not None
    assert best.number == 1
    least = trials([(1.0,), (3.0,)], "w2").best()
    assert least is not None
    assert least.number == 0


def test_no_trial_on_the_front_is_beaten_and_all_others_are() -> None:
    found = trials([(1.0, 9.0), (2.0, 5.0), (3.0, 6.0), (4.0, 1.0), (4.0, 2.0)], "w2,nfe")
    assert [trial.number for trial in pareto(found)] == [0, 1, 3]


def test_influence_is_the_rank_correlation() -> None:
    found = influence(
        trials([(1.0,), (2.0,), (3.0,), (4.0,), (5.0,)], "w2", beta=[1, 10, 100, 1000, 10000], k=[1, 2, 1, 2, 1])
    )
    assert list(found) == ["beta", "k"]
    assert found["beta"] == pytest.approx(1.0)
    assert found["k"] == pytest.approx(0.0, abs=1e-12)
    assert influence(trials([(1.0,)] * 4, "w2", beta=[1, 2, 3, 4])) == {}


def test_wide_settings_have_logarithmic_axes_and_words_places() -> None:
    found = trials([(1.0,), (2.0,), (3.0,)], "w2", rate=[1e-5, 1e-3, 1e-1], kind=["a", "b", "a"])
    kind, rate, _ = search.parallel(found, DARK)["data"][0]["dimensions"]
    assert kind["ticktext"] == ["a", "b"]
    assert sorted(rate["values"]) == pytest.approx([-5, -3, -1])


def test_a_trial_s_search_is_shown_beside_it() -> None:
    parent = run("s", tags={"phase": "search"})
    other = run("s2", tags={"phase": "search"})
    child = run("t", tags={"mlflow.parentRunId": parent.run_id})
    assert search_shown([other, parent, child], child) == parent.run_id
    assert search_shown([other, parent], None) == other.run_id


# ---- runs and models


def test_runs_are_found_by_what_was_typed() -> None:
    runs = [run("alpha", params={"cfg.beta": "0.1"}), run("beta", tags={"phase": "train_ode"}, status="KILLED")]
    for typed, names in {
        "": ["alpha", "beta"],
        "alp": ["alpha"],
        "ode stopped": ["beta"],
        "beta=0.1": ["alpha"],
    }.items():
        assert [found.name for found in matching(runs, typed)] == names


def test_a_live_training_is_shown_first() -> None:
    latest = {"train/loss": Latest(1.0, 1, 0.0)}
    runs = [
        run("new", latest=latest),
        run("going", latest=latest, status="RUNNING"),
        run("r", tags={"phase": "register"}),
    ]
    assert first_choice(runs) == runs[1].run_id
    assert first_choice([]) == ""


@pytest.mark.parametrize(
    ("name", "values", "best"),
    [
        ("psnr_test", (20.0, 25.0), 1),
        ("nfe", (9.0, 12.0), 0),
        ("variance_ratio", (0.9, 1.3), 0),
        ("nfe", (9.0, 9.0), None),
    ],
)
def test_the_better_figure_is_marked(name: str, values: tuple[float, float], best: int | None) -> None:
    (row,) = compare([{name: value} for value in values])
    assert row.best == best


def test_a_version_s_own_figures_go_before_its_run_s() -> None:
    version = VersionRecord("m", 1, (), "r", 0.0, "", {"eval.nfe": "9.0", "eval.data": "abc"})
    latest = {"eval/nfe": Latest(12.0, 0, 0.0), "eval/psnr_test": Latest(25.0, 0, 0.0)}
    assert figures_of(version, run(latest=latest)) == {"nfe": 9.0, "psnr_test": 25.0}


def test_the_champion_is_shown_or_else_the_newest() -> None:
    versions = [VersionRecord("m", k, ("champion",) * (k == 1), "", 0.0, "", {}) for k in (3, 2, 1)]
    assert [version.version for version in champions(versions)] == [1]
    assert [version.version for version in champions(versions[:2])] == [3]


def test_moving_pictures_go_before_still_ones() -> None:
    files = [File(f"v/{name}", False, 1) for name in ("latent_space.png", "a_to_b.gif", "a_to_b-path.png")]
    assert pictures(files) == ["v/a_to_b.gif"]
    assert pictures(files[:1]) == ["v/latent_space.png"]
