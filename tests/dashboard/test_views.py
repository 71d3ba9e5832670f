"""What is shown, from plain data: no store, no page."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dashboard.pages.parts import difference
from dashboard.store import Curve, File, Latest, RunRecord, VersionRecord
from dashboard.theme import DARK, LIGHT, Palette, contrast, mark_colour
from dashboard.views import latent, loss, search
from dashboard.views.epochs import epochs_of
from dashboard.views.logs import chosen, lines_of
from dashboard.views.models import compare, figures_of
from dashboard.views.overview import champions, pictures
from dashboard.views.progress import best_name, liveness, progress
from dashboard.views.reconstructions import read_rows
from dashboard.views.runs import first_choice, matching
from dashboard.views.trials import influence, pareto, search_of, search_shown
from wallpaper.pictures.colours import MARKS

THEMES = pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)


def curve(values: list[float], start: int = 1) -> Curve:
    steps = list(range(start, start + len(values)))
    return Curve(steps, values, [1000.0 + 60 * step for step in steps])


def run(name: str = "a", **changes: Any) -> RunRecord:
    plain = RunRecord(
        f"{abs(hash(name)):032x}"[:32], name, "1", "FINISHED", 1000.0, 2000.0, {"phase": "train_vae"}, {}, {}
    )
    return replace(plain, **changes)


CURVES = {
    "train/loss": curve([8.0, 4.0, 2.0, 1.0]),
    "val/loss": curve([9.0, 3.0, 5.0, 6.0]),
    "train/kl": curve([1.0, 2.0, 3.0, 4.0]),
    "learning_rate": curve([1e-3] * 4),
    "seconds": curve([30.0] * 4),
}


# ---- the theme


@THEMES
def test_every_text_can_be_read(theme: Palette) -> None:
    for ground in (theme.background, theme.card):
        for text in (theme.text, theme.muted, theme.primary, theme.secondary, theme.accent):
            assert contrast(text, ground) >= 4.5, (text, ground)
    assert contrast(theme.on_primary, theme.primary) >= 4.5


@THEMES
def test_every_mark_can_be_seen(theme: Palette) -> None:
    assert all(contrast(mark_colour(name, theme), theme.card) >= 3 for name in MARKS)


# ---- where a training stands


def test_progress_tells_the_best_validation_and_the_time_left() -> None:
    known = progress(run(status="RUNNING", params={"cfg.epochs": "10"}), CURVES)
    assert (known.epoch, known.epochs, known.loss) == (4, 10, 1.0)
    assert (known.best, known.best_epoch) == (3.0, 2)
    assert known.left == 6 * 30
    assert progress(run(params={"cfg.epochs": "10"}), CURVES).left is None


@pytest.mark.parametrize(
    ("names", "coupling", "expected"),
    [
        (["val/loss"], "", "val/loss"),
        (["val/flow", "val/wasserstein2"], "projection", "val/flow"),
        (["val/flow", "val/wasserstein2"], "ot", "val/wasserstein2"),
    ],
)
def test_the_best_epoch_is_told_by_what_the_training_goes_by(names: list[str], coupling: str, expected: str) -> None:
    settings = {"coupling": coupling} if coupling else {}
    assert best_name({name: curve([1.0]) for name in names}, settings) == expected


@pytest.mark.parametrize(
    ("changes", "now", "connected", "expected"),
    [
        ({"status": "RUNNING"}, 1030.0, True, "live"),
        ({"status": "RUNNING"}, 1200.0, True, "stale"),
        ({"status": "RUNNING"}, 1030.0, False, "offline"),
        ({"status": "FAILED"}, 1030.0, True, "failed"),
        ({"status": "KILLED"}, 1030.0, True, "stopped"),
    ],
)
def test_how_a_run_is(changes: dict[str, Any], now: float, connected: bool, expected: str) -> None:
    assert liveness(run(ended=None, **changes), now, connected=connected) == expected


def test_a_run_of_long_epochs_is_not_stale_in_between() -> None:
    assert liveness(run(status="RUNNING"), 1600.0, epoch_seconds=200.0) == "live"


# ---- losses


def training(**curves: Curve) -> loss.Training:
    return loss.Training("a", CURVES | curves, 1000.0)


def test_the_total_has_raw_and_smoothed_lines_and_the_best_epoch() -> None:
    drawn = loss.total([training()], loss.Choice(smoothing=0.5), DARK)
    names = [trace["name"] for trace in drawn["data"] if trace.get("showlegend", True)]
    assert names == ["train", "validation", "best validation"]
    assert drawn["data"][0]["y"] == [8.0, 4.0, 2.0, 1.0]
    assert drawn["data"][-1]["x"] == [2.0]
    assert drawn["layout"]["yaxis"]["type"] == "log"


def test_time_is_counted_from_the_start() -> None:
    drawn = loss.total([training()], loss.Choice(by_time=True, log=False), DARK)
    assert drawn["data"][0]["x"] == [1.0, 2.0, 3.0, 4.0]
    assert drawn["layout"]["yaxis"]["type"] == "linear"


def test_compared_runs_have_names_and_colours_of_their_own() -> None:
    others = [training(), replace(training(), name="<b>b</b>")]
    drawn = loss.total(others, loss.Choice(smoothing=0), DARK)
    assert [trace["name"] for trace in drawn["data"]][2] == "&lt;b&gt;b&lt;/b&gt; train"
    assert len({trace["line"]["color"] for trace in drawn["data"]}) == 2


def test_smoothing_keeps_what_was_drawn_when_points_come() -> None:
    values = [3.0, 1.0, 2.0, 5.0]
    assert loss.smoothed(values, 0.7)[:3] == loss.smoothed(values[:3], 0.7)
    assert loss.smoothed(values, 0.0) == values


def test_every_term_has_an_axis_of_its_own() -> None:
    drawn = loss.components(training(**{"train/mse": curve([1.0] * 4)}), loss.Choice(), DARK)
    assert {trace["yaxis"] for trace in drawn["data"]} == {"y", "y2"}
    assert len(drawn["layout"]["annotations"]) == 2


# ---- figures that stream


def test_new_points_are_sent_alone() -> None:
    short = {name: Curve(c.steps[:3], c.values[:3], c.times[:3]) for name, c in CURVES.items()}
    old = loss.total([replace(training(), curves=short)], loss.Choice(log=False), DARK)
    new = loss.total([training()], loss.Choice(log=False), DARK)
    steps = difference(old, new)
    assert steps is not None
    (method, tails, places), *rest = steps
    assert (method, places, rest) == ("extendTraces", [0, 1, 2, 3], [])
    assert tails["y"][0] == [1.0]


def test_points_that_changed_are_replaced_and_other_traces_drawn_anew() -> None:
    old = loss.total([training()], loss.Choice(log=False), DARK)
    worse = training(**{"val/loss": curve([9.0, 3.0, 2.0, 6.0])})
    steps = difference(old, loss.total([worse], loss.Choice(log=False), DARK))
    assert steps is not None
    assert {step[0] for step in steps} == {"restyle"}
    assert difference(old, loss.total([training()], loss.Choice(log=False), LIGHT)) is None
    assert difference(old, loss.total([training()], loss.Choice(), DARK)) is None


# ---- the latent space


def test_an_ellipse_has_the_covariance_of_its_points() -> None:
    points = np.random.default_rng(0).normal(size=(2000, 2)) @ np.array([[2.0, 0.5], [0.0, 0.3]]) + [3.0, -1.0]
    outline = np.array(latent.ellipse([(float(x), float(y)) for x, y in points])) - points.mean(axis=0)
    distances = np.einsum("ni,ij,nj->n", outline, np.linalg.inv(np.cov(points.T, bias=True)), outline)
    np.testing.assert_allclose(np.sqrt(distances), latent.STANDARD_DEVIATIONS, rtol=1e-9)


@pytest.mark.parametrize(
    "content", ["{}", "[]", '{"axes": ["a", "b"], "dimensions": 2, "groups": {"p1": 3}}', "nonsense"]
)
def test_what_is_no_latent_space_is_refused(content: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of JSON itself, or ours
        latent.read_cloud(content)


@pytest.mark.parametrize("content", ['{"rows": [{"group": "p1"}]}', "{}"])
def test_what_are_no_rows_is_refused(content: str) -> None:
    with pytest.raises(ValueError, match="must have rows of group, psnr and mse"):
        read_rows(content)


def test_epochs_are_found_among_other_files() -> None:
    names = ["visualizations/epoch_005", "visualizations/epoch_1000", "visualizations/notes"]
    assert epochs_of([File(name, True, 0) for name in names] + [File("visualizations/epoch_007", False, 3)]) == [
        5,
        1000,
    ]


# ---- logs


def test_a_log_tells_the_start_every_epoch_what_went_wrong_and_the_end() -> None:
    failed = run(status="FAILED", tags={"phase": "train_vae", "error": "ValueError: no"}, ended=5000.0)
    lines = lines_of(failed, CURVES)
    assert len(lines) == 1 + 4 + 2
    assert [line.level for line in lines[-2:]] == ["ERROR", "ERROR"]
    assert "best so far" in lines[2].text
    assert "best so far" not in lines[3].text
    assert len(chosen(lines, ["ERROR"], "valueerror")) == 1


def test_a_loss_that_jumps_or_is_lost_is_not_info() -> None:
    lines = lines_of(run(), {"train/loss": curve([1.0, 5.0, math.nan])})
    assert [line.level for line in lines[1:4]] == ["INFO", "WARNING", "ERROR"]


# ---- searches


def trials(values: list[tuple[float, ...]], objectives: str, **settings: list[Any]) -> search.Search:
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


def test_series_colours_differ() -> None:
    for theme in (DARK, LIGHT):
        assert all(first != second for first, second in itertools.combinations(theme.series, 2))
