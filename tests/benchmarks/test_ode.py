"""The benchmark of the transition field: its arms do the same job, and a failed prediction is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from benchmarks import ode as benchmark
from benchmarks import other_solvers
from benchmarks.ode import BASELINE, FLOW, main
from benchmarks.ode_arms import PlainField, copied, counting, synthetic_latents, torch_arms, warm_field
from benchmarks.other_solvers import other_arms
from wallpaper.models.ode import TransitionODE
from wallpaper.training.couplings import PairBatch

Warm = tuple[TransitionODE, PairBatch]


@pytest.fixture(scope="module")
def warm() -> Warm:
    return warm_field(synthetic_latents(3, points=12), steps=30)


def test_the_plan_s_field_is_ours(warm: Warm) -> None:
    ode, pairs = warm
    state, time = torch.randn(64, 3), torch.tensor(0.3)
    ours = ode.field(pairs.source, pairs.target)(time, state)
    torch.testing.assert_close(PlainField(ode, pairs)(time, state), ours, rtol=1e-5, atol=1e-5)
    path, times = torch.randn(5, 64, 3), torch.linspace(0, 1, 5)
    at_once = PlainField(ode, pairs)(times[:, None], path)
    torch.testing.assert_close(at_once[3], PlainField(ode, pairs)(times[3], path[3]))


def test_all_arms_find_the_plan_s_loss_and_flow_matching_needs_one_evaluation(warm: Warm) -> None:
    arms = torch_arms(*warm, "cpu")
    assert next(iter(arms)) == BASELINE
    losses, calls = {}, {}
    for name, arm in arms.items():
        with counting(arm.counted) as seen:
            losses[name] = arm.step()
        calls[name] = len(seen)
    assert calls[FLOW] == 1
    assert calls[BASELINE] > 200 > 60 > calls["torchdiffeq odeint"]
    assert calls["ours, midpoint, 8 steps"] == 18  # 16, the last slope for the interpolation, and the velocity
    others = [loss for name, loss in losses.items() if name != FLOW]
    assert others == pytest.approx([losses[BASELINE]] * len(others), rel=1e-3)


def test_other_libraries_find_the_same_loss_where_they_are_installed(warm: Warm) -> None:
    arms, left_out = other_arms(*warm, "cpu")
    assert len(arms) + len(left_out) == 2
    for arm in arms.values():
        assert arm.step() == pytest.approx(torch_arms(*warm, "cpu")["torchdiffeq odeint"].step(), rel=1e-3)


def test_a_missing_library_is_named(warm: Warm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other_solvers, "torchode", None)
    monkeypatch.setattr(other_solvers, "diffrax", None)
    arms, left_out = other_arms(*warm, "cpu")
    assert arms == {}
    assert left_out == [f"{name} is not installed: its arm is left out" for name in ("torchode", "diffrax")]


def test_a_copy_has_the_weights_and_another_solver(warm: Warm) -> None:
    ode, _ = warm
    other = copied(ode, "cpu", solver="rk4", steps=3)
    assert (other.settings.solver, other.settings.steps) == ("rk4", 3)
    assert all(torch.equal(a, b) for a, b in zip(ode.state_dict().values(), other.state_dict().values(), strict=True))


def test_the_command_measures_and_fails_when_a_prediction_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "MOST_PATH_ERROR", -1.0)
    path = tmp_path / "ode.json"
    options = ["--section", "sampling", "--section", "caches", "--repeats", "1", "--points", "20", "--json", str(path)]
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 1, result.output
    assert "FAILS  8 steps of rk4 end within" in result.output
    assert "couplings: 136 pairs of groups, 20 latents of 64-D each" in result.output
    table = {row["solver"]: row for row in json.loads(path.read_text())["tables"]["End points of 64 paths"]}
    assert (
        table["rk4"]["largest end error"] < table["midpoint"]["largest end error"] < table["euler"]["largest end error"]
    )
    assert (table["rk4"]["NFE"], table["midpoint"]["NFE"], table["euler"]["NFE"]) == (32, 16, 8)


@pytest.mark.parametrize("wrong", [["--section", "speed"], ["--repeats", "0"], ["--threads", "none"]])
def test_bad_options_are_one_sentence(wrong: list[str]) -> None:
    result = CliRunner().invoke(main, wrong)
    assert (result.exit_code, "Traceback" in result.output) == (2, False)
    assert "Error: Invalid value" in result.output
