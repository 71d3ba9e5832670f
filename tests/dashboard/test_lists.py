"""Searches, runs and models as they are shown, from plain data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dashboard.store import File, Latest, VersionRecord
from dashboard.theme import DARK
from dashboard.views.models import compare, figures_of
from dashboard.views.overview import champions, drawn, pictures
from dashboard.views.parallel import MOST_AXES, brush_of, brushed, needed_width, parallel
from dashboard.views.runs import first_choice, matching
from dashboard.views.search import timeline
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


def test_pictures_are_sought_in_trainings_and_in_the_best_trial_of_a_search() -> None:
    one, other = (run(name, tags={"phase": "train_ode", "search.trial": name}) for name in ("1", "2"))
    phase = run("s", tags={"phase": "search", "best.pictures": other.run_id})
    training, measured = run("t"), run("e", tags={"phase": "evaluate"})
    assert drawn([phase, one, other, measured, training]) == [other, training]


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
    kind, rate, _ = parallel(found, DARK)["data"][0]["dimensions"]
    assert kind["ticktext"] == ["a", "b"]
    assert sorted(rate["values"]) == pytest.approx([-5, -3, -1])
    assert len(set(rate["ticktext"])) == len(rate["tickvals"])
    assert [text for text in rate["ticktext"] if text.strip()] == ["1e-05", "0.0001", "0.001", "0.01", "0.1"]


@pytest.mark.parametrize(
    ("values", "digits"),
    [
        ([4.7317, 4.7471], 5),  # else 4.74 stands beside two of its ticks
        ([1.0, 9.0], 3),
        ([-1000.25, -1000.75], 6),
        ([0.00123, 0.00987], 3),
        ([2.0, 2.0], 3),
        ([], 3),
        ([1.0, 1.0 + 1e-15], 12),  # no more than a float tells
    ],
)
def test_ticks_have_as_many_digits_as_tell_them_apart(values: list[float], digits: int) -> None:
    *_, objective = parallel(trials([(value,) for value in values], "w2", k=[1, 2]), DARK)["data"][0]["dimensions"]
    assert objective["tickformat"] == f".{digits}~g"


def test_axes_lie_apart_as_far_as_their_words_need() -> None:
    found = trials([(1.0,), (2.0,)], "w2", **{f"setting{k}": [1, 2] for k in range(MOST_AXES)})
    assert needed_width(found) > 8 * 60
    assert needed_width(trials([(1.0,), (2.0,)], "w2", k=[1, 2])) < 300


@pytest.mark.parametrize(("count", "shown"), [(1, [0]), (4, [0, 1, 2, 3]), (40, [0, 4, 8, 12, 16, 20, 24, 28, 32, 36])])
def test_the_timeline_has_a_row_for_each_trial_and_no_more(count: int, shown: list[int]) -> None:
    drawn = timeline(trials([(1.0,)] * count, "w2"), DARK, 3000.0)["layout"]["yaxis"]
    assert drawn["tickvals"] == shown
    assert drawn["range"] == [max(1, count - 1) + 0.6, -0.6]


@pytest.mark.parametrize(
    ("told", "numbers"),
    [
        ([["rate", [-3.5, -1]]], [1, 2]),  # an axis of logarithms
        ([["rate", [[-5.1, -4.9], [-1.1, -1]]]], [0, 2]),  # two ranges of an axis
        ([["kind", [0.8, 1.2]]], [1]),  # words
        ([["kind", [-0.2, 0.2]], ["rate", [-5, -2]]], [0]),
        ([["width", [500, 600]]], [0, 1]),
        ([["w2", [2.5, 3.5]]], [2]),  # the objective
        ([["rate", None]], [0, 1, 2, 3]),
        ("nonsense", [0, 1, 2, 3]),
        ([["rate", ["a", 2]], ["other", [0, 1]], [1], None, ["rate", [[1], 2]], ["kind", [0.4, 0.6]]], [0, 1, 2, 3]),
    ],
)
def test_a_brush_picks_the_trials_whose_lines_pass_through_it(told: Any, numbers: list[int]) -> None:
    found = trials([(1.0,), (2.0,), (3.0,), ()], "w2", rate=[1e-5, 1e-3, 1e-1, 1e-3], kind=["a", "b", "a", "b"],
                   width=[512, 512, 64, 512])  # fmt: skip
    brush = brush_of(found, told)
    picked = brushed(found, brush)
    assert [trial.number for trial in picked.trials] == numbers
    assert (picked is found) == (not brush)


def test_a_brush_stays_where_it_is_when_it_is_drawn_again_and_words_come() -> None:
    few = trials([(1.0,), (2.0,)], "w2", rate=[1e-5, 1e-1], kind=["b", "c"])
    brush = brush_of(few, [["kind", [-0.2, 0.2]], ["rate", [[-5, -4], [-2, -1]]]])
    more = trials([(1.0,), (2.0,), (3.0,)], "w2", rate=[1e-5, 1e-1, 1e-6], kind=["b", "c", "a"])
    kind, rate, objective = parallel(more, DARK, brush)["data"][0]["dimensions"]
    assert kind["constraintrange"] == [0.75, 1.25]
    assert np.array(rate["constraintrange"]) == pytest.approx(np.array([[-5, -4], [-2, -1]]))
    assert "constraintrange" not in objective
    assert [trial.number for trial in brushed(more, brush).trials] == [0]


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


def test_a_collapsed_field_has_no_best_path() -> None:
    good = {"psnr_test": 20.0, "curvature": 0.3, "path_length": 9.0, "nfe": 12.0, "collapsed_pairs": 0.0}
    worse = good | {"curvature": 0.4, "path_length": 9.5, "nfe": 16.0}
    collapsed = {"psnr_test": 25.0, "curvature": 0.01, "path_length": 1.0, "nfe": 9.0, "collapsed_pairs": 3.0}
    best = {row.title: row.best for row in compare([collapsed, good, worse])}
    assert best == {
        "PSNR, test (dB)": 0, "collapsed pairs": None,
        "curvature": 1, "path length": 1, "evaluations of the field": 1,
    }  # fmt: skip
    assert [row.best for row in compare([collapsed, good]) if row.title == "curvature"] == [None]


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
