"""Search spaces as data: what is refused, and what Optuna makes of them. Without Ray."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest

from tune.default_space import default_rows
from tune.phases import ODE, PHASES, VAE, Phase, base_config, chosen_objectives
from tune.space import Choices, Range, plain
from tune.space_data import build_space, read_points, read_space
from wallpaper.training.config import describe
from wallpaper.training.ode_config import OdeConfig
from wallpaper.training.vae_config import VaeConfig

BASE = OdeConfig(solver="dopri5", hidden_dim=256, objective="flow")
PRESETS = [(phase, preset) for phase in PHASES.values() for preset in phase.presets]


def proposals(space: Any, count: int = 60) -> list[dict[str, Any]]:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    return [space.propose(study.ask()) for _ in range(count)]


@pytest.mark.parametrize(("phase", "preset"), PRESETS, ids=[f"{phase.name}-{preset}" for phase, preset in PRESETS])
def test_the_default_space_holds_every_preset_and_only_what_can_be_trained(phase: Phase, preset: str) -> None:
    base = base_config(phase, preset, seed=0)
    space = build_space(default_rows(phase, base), phase, base)
    assert space.config(space.start()) == base
    seen = proposals(space)
    for settings in seen:
        space.config(settings)
        assert replace(space.config(settings), **{n: getattr(base, n) for n in settings}) == base
    for name in ("learning_rate", "batch_size", "ema_decay"):
        assert len({settings[name] for settings in seen}) > 1, name


@pytest.mark.parametrize("phase", PHASES.values(), ids=list(PHASES))
def test_the_plan_is_among_the_points_as_far_as_its_model_is_of_the_kind(phase: Phase) -> None:
    own = base_config(phase, "plan", seed=0)
    space = build_space(default_rows(phase, own), phase, own)
    assert space.config(space.plan()) == own
    base = replace(phase.presets["laptop"], learning_rate=5e-3)
    other = build_space(default_rows(phase, base), phase, base)
    planned = other.plan()
    assert planned["learning_rate"] == phase.presets["plan"].learning_rate
    other.config(planned)


def test_latents_on_a_grid_have_a_network_of_their_own_to_search() -> None:
    base = replace(BASE, network="auto", place_channels=48)
    space = build_space(default_rows(ODE, base, on_grid=True), ODE, base)
    seen = proposals(space)
    assert {settings["network"] for settings in seen} == {"auto", "dense"}
    for settings in seen:
        assert ("hidden_dim" in settings) == (settings["network"] == "dense") == ("place_channels" not in settings)
    assert "network" not in default_rows(ODE, base)


def test_a_condition_decides_what_is_proposed() -> None:
    rows = {
        "solver": ["dopri5", "rk4", "euler"],
        "rtol": {"low": 1e-6, "high": 1e-2, "log": True, "when": {"solver": "dopri5"}},
        "solver_steps": {"low": 2, "high": 16, "when": {"solver": ["rk4", "euler"]}},
        "lambda_smooth": {"low": 0.01, "high": 1.0, "when": {"objective": "endpoint"}},
    }
    space = build_space(rows, ODE, BASE)
    seen = proposals(space)
    assert {settings["solver"] for settings in seen} == {"dopri5", "rk4", "euler"}
    for settings in seen:
        assert ("rtol" in settings) == (settings["solver"] == "dopri5") == ("solver_steps" not in settings)
    assert not any("lambda_smooth" in settings for settings in seen)  # the base's objective is flow
    endpoint = build_space(rows, ODE, replace(BASE, objective="endpoint"))
    assert all("lambda_smooth" in settings for settings in proposals(endpoint, 5))
    assert space.values_of("solver") == ("dopri5", "rk4", "euler")
    assert space.values_of("coupling") == (BASE.coupling,)
    assert space.point({"solver": "rk4"}) == {"solver": "rk4", "solver_steps": BASE.solver_steps}


def test_one_field_may_have_several_ranges() -> None:
    rows = {
        "coupling": ["ot", "random"],
        "hidden_dim": [
            {"choices": [256, 512], "when": {"coupling": "ot"}},
            {"low": 16, "high": 64, "when": {"coupling": "random"}},
        ],
    }
    space = build_space(rows, ODE, replace(BASE, hidden_dim=256))
    seen = proposals(space)
    assert {settings["hidden_dim"] for settings in seen if settings["coupling"] == "ot"} == {256, 512}
    assert all(16 <= settings["hidden_dim"] <= 64 for settings in seen if settings["coupling"] == "random")
    assert space.labelled({"coupling": "ot", "hidden_dim": 512}) == {"coupling": "ot", "hidden_dim[coupling=ot]": 512}
    assert space.point({"coupling": "random"})["hidden_dim"] == 64  # the nearest to the base's 256


def test_numbers_may_be_text_and_tuples_become_text() -> None:
    space = build_space({"learning_rate": {"low": "1e-4", "high": "1e-2"}, "batch_size": ["64", 128]}, ODE, BASE)
    assert [(type(each), each.limits) for each in space.dimensions] == [(Range, (1e-4, 1e-2)), (Choices, (64, 128))]
    vae = VaeConfig.preset("laptop")
    widths = build_space({"hidden_dims": [[32, 32], "48,48"]}, VAE, vae)
    assert widths.dimensions[0].limits == ("32,32", "48,48")
    assert widths.config({"hidden_dims": "48,48"}).hidden_dims == (48, 48)
    assert plain((1, 2)) == "1,2"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({}, "must vary something"),
        ({"learning_rat": (1e-3,)}, "no 'learning_rat'; did you mean 'learning_rate'"),
        ({"epochs": (1, 100)}, "`epochs` cannot be searched: it is what a trial costs"),
        ({"learning_rate": {"low": 0.0, "high": 0.1}}, r"`learning_rate` in the space .* `learning_rate > 0`"),
        ({"embedding_dim": (8, 32)}, r"`embedding_dim >= 12` must hold, but got 8"),
        ({"batch_size": (64.5, 64)}, "`batch_size` must be int, but got 64.5"),
        ({"solver": ("dopri5", "rk5")}, "`solver` must be one of .*, but got 'rk5'"),
        ({"solver": {"low": 1, "high": 2}}, "`solver` is no number"),
        ({"solver": "dopri5"}, "`solver` must have a list of choices"),
        ({"solver": 3}, "`solver` must have a list of choices"),
        ({"batch_size": ()}, "`batch_size` must have choices, each once"),
        ({"batch_size": (64, 64)}, r"each once, but got \[64, 64\]"),
        ({"learning_rate": {"low": 0.1, "high": 0.01}}, "`low < high` must hold for `learning_rate`"),
        ({"weight_decay": {"low": 0.0, "high": 0.1, "log": True}}, "`low > 0` must hold for `weight_decay`"),
        ({"learning_rate": {"low": 0.1}}, r"`learning_rate` has \['low'\]"),
        ({"learning_rate": {"low": 0.1, "high": 1, "step": 1}}, "low and high, and may have log"),
        ({"coupling": {"choices": ["ot"], "log": True}}, r"choices may have when, but `coupling` has"),
        ({"rtol": {"low": 1e-6, "high": 1e-2, "when": {"solvr": "rk4"}}}, "no 'solvr'; did you mean 'solver'"),
        ({"rtol": {"low": 1e-6, "high": 1e-2, "when": "dopri5"}}, "`when` must map fields to values"),
        ({"solver": ["rk4", "dopri5"], "rtol": {"low": 1e-6, "high": 1e-2, "when": {"solver": "euler"}}},
         r"`rtol` is searched when `solver` is \('euler',\), which it never is"),
        ({"rtol": {"low": 1e-6, "high": 1e-2, "when": {"solver": "rk4"}}, "solver": ["rk4", "dopri5"]},
         "`rtol` depends on `solver`, which must stand before it"),
        ({"hidden_dim": (64, 128)}, "`hidden_dim` of the first trial, 256, must lie in the space, but that has 64"),
    ],
)  # fmt: skip
def test_a_space_that_cannot_be_is_refused_by_name(rows: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_space(rows, ODE, BASE)


def test_a_point_outside_of_the_space_is_refused() -> None:
    space = build_space({"hidden_dim": [64, 256], "solver": ["dopri5", "rk4"],
                         "solver_steps": {"low": 2, "high": 16, "when": {"solver": "rk4"}}}, ODE, BASE)  # fmt: skip
    for point, message in [
        ({"hidden_dim": 65}, r"`hidden_dim` must be 64 \| 256, but got 65"),
        ({"hiden_dim": 64}, "`hiden_dim` must be a field that the space varies did you mean 'hidden_dim'"),
        ({"solver_steps": 4}, "`solver_steps` must be a field that the space varies with the point's other values"),
    ]:
        with pytest.raises(ValueError, match=message):
            space.point(point)


def test_files_hold_spaces_and_points_by_phase_or_of_one(tmp_path: Path) -> None:
    file, both = tmp_path / "space.yaml", [VAE, ODE]
    file.write_text("vae: {beta: {low: 0.1, high: 2}}\node: {solver: [dopri5, rk4]}\n")
    assert set(read_space(file, both)) == {"vae", "ode"}
    assert read_space(file, [ODE]) == {"ode": {"solver": ["dopri5", "rk4"]}}
    file.write_text("solver: [dopri5, rk4]\n")
    assert read_space(file, [ODE]) == {"ode": {"solver": ["dopri5", "rk4"]}}
    with pytest.raises(ValueError, match=r"must hold vae: and ode:, .* but holds \['solver'\]"):
        read_space(file, both)
    with pytest.raises(ValueError, match="must hold a list of points for the ode"):
        read_points(file, [ODE])
    file.write_text("[{solver: rk4}]")
    assert read_points(file, [ODE]) == {"ode": [{"solver": "rk4"}]}
    with pytest.raises(ValueError, match="must hold fields of the settings"):
        read_space(file, [ODE])
    file.write_text("a: [1")
    with pytest.raises(ValueError, match="must hold YAML"):
        read_space(file, [ODE])
    with pytest.raises(FileNotFoundError, match="there is none"):
        read_space(tmp_path / "none.yaml", [ODE])


def test_objectives_go_to_their_phases() -> None:
    chosen = chosen_objectives("nfe, psnr,w2", [VAE, ODE])
    assert {name: [each.name for each in objectives] for name, objectives in chosen.items()} == {
        "vae": ["psnr"],
        "ode": ["nfe", "w2"],
    }
    for preset, expected in (("plan", "w2"), ("laptop", "flow")):
        base = base_config(ODE, preset, seed=0)
        assert [each.name for each in chosen_objectives("", [ODE], {"ode": base})["ode"]] == [expected]
        assert chosen_objectives("", [ODE], {"ode": base})["ode"][0].metric == ODE.criterion(base)
    for text, message in [("psnr", "unknown objective 'psnr'"), ("enrgy", "mean 'energy'"), ("w2,w2", "each once")]:
        with pytest.raises(ValueError, match=message):
            chosen_objectives(text, [ODE])


@pytest.mark.parametrize("phase", PHASES.values(), ids=list(PHASES))
def test_what_is_fixed_is_a_field(phase: Phase) -> None:
    assert set(phase.fixed) <= {info.name for info in describe(phase.config)}
