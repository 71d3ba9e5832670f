"""What is shown, from plain data: no store, no page."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dashboard.pages.parts import difference
from dashboard.store import Curve, File
from dashboard.theme import DARK, LIGHT, Palette, mark_colour
from dashboard.views import latent, loss
from dashboard.views.epochs import epochs_of
from dashboard.views.logs import chosen, lines_of
from dashboard.views.missing import no_losses
from dashboard.views.progress import best_name, liveness, progress
from dashboard.views.reconstructions import read_rows
from tests.dashboard.plain import curve, run
from wallpaper.pictures.colours import MARKS, contrast

THEMES = pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)


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


def test_smoothing_moves_neither_the_best_epoch_nor_what_is_read_on_the_way() -> None:
    drawn = loss.total([training()], loss.Choice(smoothing=0.9), DARK)["data"]
    assert drawn[-1]["y"] == [3.0]  # what the status says, not where the smoothed line is
    raw, mean = drawn[2], drawn[3]
    assert raw["y"] == [9.0, 3.0, 5.0, 6.0]
    assert raw.get("hoverinfo") != "skip"
    assert "<extra>validation</extra>" in raw["hovertemplate"]
    assert "<extra>validation, smoothed</extra>" in mean["hovertemplate"]
    alone = loss.total([training()], loss.Choice(smoothing=0), DARK)["data"]
    assert [trace["hovertemplate"].split("<extra>")[1] for trace in alone] == [
        "train</extra>", "validation</extra>", "best validation</extra>"
    ]  # fmt: skip


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
    assert [note["text"] for note in drawn["layout"]["annotations"]] == [
        "<b>kl</b>  train 4", "<b>mse</b>  train 1"
    ]  # fmt: skip


def test_a_term_s_last_values_say_of_which_patterns_they_are() -> None:
    both = training(**{"val/kl": curve([2.0, 3.0])})
    (note,) = loss.components(both, loss.Choice(), DARK)["layout"]["annotations"]
    assert note["text"] == "<b>kl</b>  train 4  ·  validation 3"


@pytest.mark.parametrize(
    ("phase", "status", "said", "tab"),
    [
        ("train_vae", "RUNNING", "this page looks by itself", ""),
        ("train_ode", "FAILED", "has failed before its first epoch was over", "logs"),
        ("train_vae", "KILLED", "was stopped before its first epoch was over", "logs"),
        ("", "FINISHED", "has ended before its first epoch was over", "logs"),
        ("evaluate", "FINISHED", "An evaluation has no loss curve", "models"),
        ("evaluate", "FAILED", "This one has failed", "logs"),
        ("register", "FINISHED", "A registration has no loss curve", "models"),
        ("search", "RUNNING", "Each of its trials is a training", "search"),
    ],
)
def test_why_there_are_no_losses_is_told_by_phase_and_state(phase: str, status: str, said: str, tab: str) -> None:
    found = no_losses(run(tags={"phase": phase}, status=status))
    assert said in f"{found.title}. {found.reason}"
    assert found.tab == tab
    assert ("by itself" in found.reason) == (status == "RUNNING" and phase != "search")


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


def test_a_long_line_keeps_its_spikes_and_grows_by_its_end() -> None:
    values = [float(math.sin(number)) for number in range(2 * loss.MOST_POINTS)]
    values[1234] = 50.0
    old, new = (
        loss.total([loss.Training("a", {"train/loss": curve(values[:count])}, 1000.0)], loss.Choice(), DARK)
        for count in (len(values) - 1000, len(values))
    )
    raw = new["data"][0]
    assert len(raw["x"]) <= loss.MOST_POINTS
    assert max(raw["y"]) == 50.0
    assert raw["x"] == sorted(set(raw["x"]))
    steps = difference({**old, "data": old["data"][:2]}, {**new, "data": new["data"][:2]})  # without the best epoch
    assert steps is not None
    assert [(method, places) for method, _, places in steps] == [("extendTraces", [0, 1])]


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


def test_a_point_knows_its_pattern_s_place_among_all_indices() -> None:
    cloud = latent.Cloud(("a", "b"), 2, {"p1": [(0, 0), (1, 1)], "p2": [(2, 2)]}, {"p1": [7, 3], "p2": [5]}, (), {}, 32)
    shown = latent.cloud_figure(cloud, latent.Choice(clusters=False), DARK)["data"]
    assert {trace["name"]: trace["customdata"] for trace in shown} == {"p1": [[7, 2], [3, 0]], "p2": [[5, 1]]}


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
    said = json.dumps([1090.5, "WARNING", "epoch 1 is not drawn"]) + "\nnonsense\n[1, 2]\n"
    told = lines_of(run(tags={"phase": "train_vae", "log": said}), {"train/loss": curve([1.0, 0.5])})
    assert [(line.level, line.text.split("  ")[0]) for line in told[1:4]] == [
        ("INFO", "epoch 1"),
        ("WARNING", "epoch 1 is not drawn"),
        ("INFO", "epoch 2"),
    ]
    lines = lines_of(run(), {"train/loss": curve([1.0, 5.0, math.nan])})
    assert [line.level for line in lines[1:4]] == ["INFO", "WARNING", "ERROR"]


def test_series_colours_differ() -> None:
    for theme in (DARK, LIGHT):
        assert all(first != second for first, second in itertools.combinations(theme.series, 2))
