"""The figures of a search say what the study says, whatever state it is in."""

from __future__ import annotations

import json
import math
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.study import Study
from optuna.trial import TrialState, create_trial
from PIL import Image

from tune import figures, figures_view
from tune.figures_view import NOT_USED, look_at, scales

BEGIN = datetime(2026, 11, 1, 12)
RATE = FloatDistribution(1e-4, 1e-2, log=True)
KINDS: dict[str, BaseDistribution] = {
    "learning_rate": RATE,
    "solver": CategoricalDistribution(["dopri5", "rk4"]),
    "rtol": FloatDistribution(1e-6, 1e-2, log=True),
    "solver_steps": IntDistribution(2, 32),
    "clip": FloatDistribution(1.0, 1.0),
}


def study(*, directions: tuple[str, ...] = ("minimize",)) -> Study:
    return optuna.create_study(directions=directions)


def add(
    into: Study,
    values: list[float] | None,
    state: TrialState = TrialState.COMPLETE,
    *,
    preset: bool = False,
    **params: Any,
) -> None:
    """The next trial: begins a minute after the one before, takes 50 s."""
    kinds, about = {name: KINDS[name] for name in params}, {"preset": True} if preset else {}
    trial = create_trial(state=state, values=values, params=params, distributions=kinds, user_attrs=about)
    trial.datetime_start = BEGIN + timedelta(minutes=len(into.trials))
    trial.datetime_complete = trial.datetime_start + timedelta(seconds=50) if state.is_finished() else None
    into.add_trial(trial)


def searched(count: int = 24) -> Study:
    """A study with conditional settings: the value depends on the learning rate alone."""
    made, random = study(), np.random.default_rng(0)
    add(made, [1.5], learning_rate=1e-3, solver="dopri5", rtol=1e-4, clip=1.0, preset=True)
    for k in range(1, count):
        rate = float(10 ** random.uniform(-4, -2))
        of_branch = {"rtol": 1e-4} if k % 2 else {"solver_steps": int(random.integers(2, 33))}
        value = 1 + (math.log10(rate) + 2.5) ** 2
        add(made, [value], learning_rate=rate, solver="dopri5" if k % 2 else "rk4", clip=1.0, **of_branch)
    return made


def drawn(made: Study, folder: Path, **options: Any) -> dict[str, dict[str, Any]]:
    """The figures' JSON by name, all files checked to be there."""
    files = figures.draw(made, folder, phase="ode", **options)
    assert sorted(files) == sorted(folder.iterdir())
    assert {file.name for file in files} >= {figures.PAGE, figures.PICTURE}
    with Image.open(folder / figures.PICTURE) as picture:
        assert picture.width > 1500
        assert len(set(picture.convert("L").resize((64, 64)).tobytes())) > 10
    return {file.stem: json.loads(file.read_text()) for file in files if file.suffix == ".json"}


def trace(figure: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [each for each in figure["data"] if each.get("name") == name]
    return dict(found)


def sentence(figure: dict[str, Any]) -> str:
    (note,) = figure["layout"]["annotations"]
    assert figure["data"] == []
    return str(note["text"])


def test_history_has_every_value_the_best_so_far_and_the_presets_own(tmp_path: Path) -> None:
    made = study()
    for k, value in enumerate([3.0, 5.0, 1e9, 2.0, 4.0]):
        add(made, [value], learning_rate=1e-3 * (k + 1), preset=k == 1)
    history = drawn(made, tmp_path)["history"]
    dots, best, star = (trace(history, name) for name in ("trial", "best so far", "the preset's own"))
    assert (dots["x"], dots["y"]) == ([0, 1, 3, 4], [3, 5, 2, 4])  # the third diverged
    assert best["y"] == [3, 3, 2, 2]
    assert (star["x"], star["y"]) == ([1], [5])
    assert "best 2 (trial 3); the preset's own 5 (trial 1)" in (tmp_path / figures.PAGE).read_text().replace(
        "&#x27;", "'"
    )


def test_the_largest_is_best_where_a_study_says_so(tmp_path: Path) -> None:
    made = study(directions=("maximize",))
    for value in (3.0, 5.0, 4.0):
        add(made, [value], learning_rate=1e-3)
    assert trace(drawn(made, tmp_path)["history"], "best so far")["y"] == [3, 5, 5]
    assert "best 5 (trial 1)" in look_at(made).summary()


def test_settings_that_were_given_are_the_presets_own() -> None:
    made = study()
    add(made, [1.0], learning_rate=1e-3)
    made.enqueue_trial({"learning_rate": 2e-3})
    trial = made.ask()
    trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True)
    made.tell(trial, 2.0)
    preset = look_at(made).preset
    assert preset is not None
    assert preset.number == 1
    add(made, [3.0], learning_rate=1e-3, preset=True)  # said outright
    preset = look_at(made).preset
    assert preset is not None
    assert preset.number == 2


def test_what_mattered_is_found(tmp_path: Path) -> None:
    bars = drawn(searched(), tmp_path)["importance"]["data"][0]
    assert bars["y"][-1] == "learning_rate"  # bars are drawn from below
    assert sum(bars["x"]) == pytest.approx(1)
    assert "clip" not in bars["y"]
    assert {"rtol", "solver_steps"} & set(bars["y"])  # of a branch, and varied


def test_parallel_coordinates_show_conditional_settings(tmp_path: Path) -> None:
    made = searched()
    view = look_at(made, ["W2"])
    found = {scale.name: scale for scale in scales(view, view.good)}
    assert [place == NOT_USED for place in found["rtol"].places] == ["rtol" not in t.params for t in made.trials]
    assert found["rtol"].ticks[NOT_USED] == "not used"
    assert NOT_USED not in found["learning_rate"].ticks
    rates = [trial.params["learning_rate"] for trial in made.trials]
    low, high = math.log(min(rates)), math.log(max(rates))
    assert found["learning_rate"].places == pytest.approx([(math.log(rate) - low) / (high - low) for rate in rates])
    assert found["solver"].ticks == {0.0: "dopri5", 1.0: "rk4"}
    assert found["solver_steps"].ticks[1.0] == str(max(t.params.get("solver_steps", 0) for t in made.trials))
    assert list(found["clip"].ticks.values()) == ["1"]
    axes = drawn(made, tmp_path, objectives=["W2"])["parallel"]["data"][0]
    assert [axis["label"] for axis in axes["dimensions"]][-1] == "W2"
    assert axes["dimensions"][-1]["values"][-1] == 0  # the best comes last, on top
    assert axes["line"]["color"][-1] == 0


def test_several_objectives_have_a_front(tmp_path: Path) -> None:
    made = study(directions=("minimize", "minimize"))
    for k, values in enumerate(([1.0, 4.0], [2.0, 2.0], [3.0, 3.0], [4.0, 1.0], [5.0, 5.0])):
        add(made, values, learning_rate=1e-3 * (k + 1), preset=k == 2)
    found = drawn(made, tmp_path, objectives=["W2", "evaluations"])
    front = trace(found["pareto"], "on the front")
    assert sorted(zip(front["x"], front["y"], strict=True)) == [(1, 4), (2, 2), (4, 1)]
    assert trace(found["pareto"], "the preset's own")["x"] == [3]
    assert found["pareto"]["layout"]["xaxis"]["title"]["text"] == "W2"
    assert [each["y"] for each in found["history"]["data"] if each["name"] == "best so far"] == [
        [1, 1, 1, 1, 1], [4, 2, 2, 1, 1],
    ]  # fmt: skip
    assert "3 on the front of W2 and evaluations" in look_at(made, ["W2", "evaluations"]).summary()
    assert "pareto" not in look_at(searched(5)).figures


def test_three_objectives_are_seen_along_the_first_two(tmp_path: Path) -> None:
    made = study(directions=("minimize",) * 3)
    add(made, [1.0, 2.0, 3.0], learning_rate=1e-3)
    assert trace(drawn(made, tmp_path)["pareto"], "on the front")["y"] == [2]
    assert "of 3 objectives, seen along the first two" in (tmp_path / figures.PAGE).read_text()


def test_the_timeline_has_each_state_in_words(tmp_path: Path) -> None:
    made = study()
    add(made, [1.0], learning_rate=1e-3)
    add(made, None, TrialState.FAIL)
    add(made, [float("inf")], learning_rate=1e-3)
    add(made, None, TrialState.RUNNING)
    timeline = drawn(made, tmp_path)["timeline"]
    assert trace(timeline, "finished or stopped early")["y"] == [0]
    assert trace(timeline, "failed or diverged")["y"] == [1, 2]
    assert trace(timeline, "running")["y"] == [3]
    assert trace(timeline, "finished or stopped early")["x"] == [50_000]  # ms
    assert look_at(made).summary().startswith("1 finished, 2 failed or diverged, 1 running; best 1 (trial 0)")


def test_trials_that_were_stopped_early_are_told_from_those_that_came_to_their_end() -> None:
    made = study()
    for outcome in ("finished", "stopped early", "stopped early"):
        about = {"outcome": outcome}
        made.add_trial(create_trial(value=1.0, user_attrs=about))
    assert look_at(made).summary().startswith("1 finished, 2 stopped early; best 1")


def test_a_proposal_that_could_not_be_trained_with_is_no_failure() -> None:
    made = study()
    add(made, [1.0], learning_rate=1e-3)
    made.add_trial(create_trial(state=TrialState.FAIL, user_attrs={"outcome": "invalid"}))
    assert look_at(made).summary().startswith("1 finished, 1 pruned or invalid; best 1")


def test_one_trial_is_enough_for_all_but_importance(tmp_path: Path) -> None:
    made = study()
    add(made, [1.0], learning_rate=1e-3, solver="rk4", solver_steps=8)
    found = drawn(made, tmp_path)
    assert sentence(found["importance"]) == (
        "Importance needs at least 5 trials that came to a good end, but there are 1."
    )
    assert len(found["parallel"]["data"][0]["dimensions"]) == 4


def test_a_search_in_which_all_failed_says_so(tmp_path: Path) -> None:
    made = study(directions=("minimize", "minimize"))
    add(made, None, TrialState.FAIL, learning_rate=1e-3)
    add(made, [1e9, 1e9], learning_rate=1e-3)
    found = drawn(made, tmp_path)
    for name in ("history", "parallel", "pareto"):
        assert sentence(found[name]) == "No trial has come to a good end yet."
    assert trace(found["timeline"], "failed or diverged")["y"] == [0, 1]


def test_a_search_that_has_not_begun_says_so(tmp_path: Path) -> None:
    made = study()
    assert sentence(drawn(made, tmp_path)["timeline"]) == "No trial has started yet."
    made.enqueue_trial({"learning_rate": 1e-3})
    assert sentence(drawn(made, tmp_path)["timeline"]) == "No trial has started yet."


def test_settings_that_never_vary_cannot_matter(tmp_path: Path) -> None:
    made, nothing = study(), study()
    for k in range(8):
        add(made, [1.0 + k], learning_rate=1e-3)
        add(nothing, [1.0 + k])
    assert sentence(drawn(made, tmp_path / "1")["importance"]).startswith("Nothing can matter: all trials had")
    assert sentence(drawn(nothing, tmp_path / "2")["parallel"]) == "No setting was searched."


def test_importance_that_cannot_be_computed_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> dict[str, float]:
        raise RuntimeError("the matrix is <singular>")

    monkeypatch.setattr(figures_view, "get_param_importances", refuse)
    found = drawn(searched(), tmp_path)
    assert sentence(found["importance"]) == "Importance could not be computed: the matrix is &lt;singular&gt;"


def test_the_page_asks_nothing_of_the_network_and_has_plotly_once(tmp_path: Path) -> None:
    drawn(searched(), tmp_path)
    text = (tmp_path / figures.PAGE).read_text(encoding="utf-8")
    scripts = re.findall(r"<script[^>]*>", text)
    assert re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=", text) == []
    assert len(text) < 6e6 < 2 * len(text)  # plotly's own code is 4.8 MB
    assert len(scripts) == 1 + len(look_at(searched()).figures)
    for name in look_at(searched()).figures:
        assert f'id="{name}"' in text


def test_names_cannot_write_on_the_page(tmp_path: Path) -> None:
    figures.draw(searched(6), tmp_path, phase="<img src=x>")
    assert "<img src=x>" not in (tmp_path / figures.PAGE).read_text(encoding="utf-8")


def test_the_study_itself_stays_as_it_is_and_nothing_is_announced(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    made = study()
    add(made, [1e9], learning_rate=1e-3)
    capfd.readouterr()
    figures.draw(made, tmp_path, phase="ode")
    assert made.trials[0].state == TrialState.COMPLETE
    assert capfd.readouterr() == ("", "")
