"""The benchmark of the VAE's training: what it compares does the same job, and what it counts is right."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor

from benchmarks import training as benchmark
from benchmarks.shares import BETWEEN, EPOCH, MARKS, REST, epoch_shares, kind_of
from benchmarks.symmetrising import (
    by_interpolation,
    by_loop,
    exact_residual,
    interpolation_residual,
    turns,
)
from benchmarks.synthetic import write_patterns
from benchmarks.training import main
from benchmarks.vae_arms import VaeStep
from tests.conftest import ALL_GROUPS
from wallpaper.data import PatternStore
from wallpaper.plane import GROUP_NAMES, PlaneGroup
from wallpaper.symmetry import project
from wallpaper.training.vae_config import VaeConfig

SMALL = VaeConfig.preset("smoke", latent_dim=4, batch_size=6, epochs=1)


def images(count: int = 17, side: int = 16) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0))


def test_the_loop_is_the_projection() -> None:
    torch.testing.assert_close(by_loop(images(), torch.arange(17)), project(images(), torch.arange(17)))


@ALL_GROUPS
def test_turns_are_the_point_group(group: PlaneGroup) -> None:
    found = turns(group.name)
    assert len(found) == len({op.rot for op in group.operations})
    for turn in found:
        matrix = torch.tensor(turn, dtype=torch.float64)
        torch.testing.assert_close(matrix @ matrix.T, torch.eye(2, dtype=torch.float64), rtol=0, atol=1e-9)


def test_interpolation_is_exact_for_half_turns_and_not_for_sixfold_ones() -> None:
    pictures = images(2, 32)
    half_turned = by_interpolation(pictures, torch.tensor([1, 1]))
    torch.testing.assert_close(half_turned, (pictures + pictures.flip(-1, -2)) / 2, rtol=0, atol=1e-5)
    assert interpolation_residual(half_turned, 1) < 1e-5
    sixfold = GROUP_NAMES.index("p6m")
    assert interpolation_residual(by_interpolation(pictures, torch.tensor([sixfold] * 2)), sixfold) > 1e-2


def test_the_exact_residual_sees_what_is_not_symmetric() -> None:
    pattern = project(images(1), 11)
    assert exact_residual(pattern, 11) == 0
    pattern[0, 0, 3, 5] += 0.25
    assert exact_residual(pattern, 11) == pytest.approx(0.25)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_synthetic_files_are_patterns(tmp_path: Path, dtype: str) -> None:
    store = PatternStore(write_patterns(tmp_path / "patterns.h5", 34, 16, dtype))  # type: ignore[arg-type]
    assert {name: len(rows) for name, rows in store.splits.items()} == {"train": 27, "val": 3, "test": 4}
    cells = store.batch(range(34))
    assert torch.equal(project(cells, torch.from_numpy(store.labels)), cells)
    assert cells.std() > 0.05


@pytest.mark.parametrize("way", ["channels_last", "projection by a loop"])
def test_other_ways_make_the_same_step(way: str) -> None:
    assert VaeStep(SMALL, way=way)() == pytest.approx(VaeStep(SMALL)(), rel=1e-4)


def test_steps_go_on_from_each_other() -> None:
    step = VaeStep(replace(SMALL, learning_rate=1e-3))
    before = [weight.clone() for weight in step.vae.parameters()]
    step()
    assert any(not torch.equal(a, b) for a, b in zip(before, step.vae.parameters(), strict=True))


def test_operations_are_those_of_the_convolutions_and_layers() -> None:
    """Strided encoder 3-8-16-16 at 32 samples: 2 k^2 C_in C_out a place, once forward and twice backward."""
    assert (SMALL.resolution, SMALL.hidden_dims, SMALL.backbone) == (32, (8, 16, 16), "strided")
    encoder = sum(2 * 16 * a * b * side**2 for a, b, side in ((3, 8, 16), (8, 16, 8), (16, 16, 4)))
    decoder = sum(2 * 16 * a * b * side**2 for a, b, side in ((16, 16, 4), (16, 8, 8), (8, 3, 16)))
    linear = 2 * (2 * (256 * 128 + 128 * 4) + 4 * 16 + 16 * 256)
    counted, forward = VaeStep(SMALL).operations(), encoder + decoder + linear
    rim = 1.6  # a transposed convolution also computes what its wrapped rim gives: (4 + 2)^2 / 4^2 at the smallest
    assert 2.5 * forward < counted < 3 * forward * rim


def event(name: str, parent: SimpleNamespace | None = None) -> SimpleNamespace:
    return SimpleNamespace(name=name, cpu_parent=parent)


def test_an_operation_belongs_to_the_innermost_kind() -> None:
    epoch = event(EPOCH)
    convolution = event("aten::convolution", event("aten::conv2d", epoch))
    assert kind_of(event("aten::copy_", event("aten::mkldnn_convolution", convolution))) == "convolutions"
    assert kind_of(event("aten::add", event("benchmark: projection", epoch))) == "projection"
    assert kind_of(event("autograd::engine::evaluate_function: _OrbitMeanBackward", epoch)) == "projection"
    assert kind_of(event("aten::mul_", event("Optimizer.step#AdamW.step", epoch))) == "optimiser"
    assert kind_of(event("aten::leaky_relu", epoch)) == REST
    assert kind_of(epoch) == BETWEEN


def test_an_epoch_s_time_is_all_accounted_for(tmp_path: Path) -> None:
    store = PatternStore(write_patterns(tmp_path / "patterns.h5", 34, 32))
    config = replace(SMALL, augment=True)
    seconds = epoch_shares(config, store, tmp_path / "run", "cpu")
    expected = {*MARKS, REST, BETWEEN}
    assert {kind for kind, taken in seconds.items() if taken > 0} >= expected
    assert (tmp_path / "run" / "best.safetensors").is_file()
    assert sum(seconds.values()) < 60


def test_a_projection_that_is_not_exact_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(benchmark, "project", by_loop)  # equal to rounding, but not bit for bit
    path = tmp_path / "training.json"
    result = CliRunner().invoke(main, ["--section", "projection", "--repeats", "1", "--json", str(path)])
    assert result.exit_code == 1
    assert "FAILS  the exact projection's residual is 0; measured" in result.output
    assert "holds  interpolation's residual on p6m is > 0.001" in result.output
    assert len(json.loads(path.read_text())["tables"]["Projection, forward and backward"]) == 9


def test_operations_and_the_full_run_are_told() -> None:
    result = CliRunner().invoke(main, ["--section", "operations", "--preset", "smoke", "--repeats", "1"])
    assert result.exit_code == 0, result.output
    assert "extrapolated from images/s to 8500 images an epoch" in result.output
    assert "No predictions in these sections" in result.output


def test_reading_is_compared() -> None:
    result = CliRunner().invoke(main, ["--section", "reading", "--repeats", "1"])
    assert "uint8 through a memory map (ours)" in result.output
    assert "0.197" in result.output  # MB an image: a byte for each of 3 x 256 x 256 values


@pytest.mark.parametrize("wrong", [["--preset", "huge"], ["--section", "step"], ["--json", "/"]])
def test_bad_options_are_one_sentence(wrong: list[str]) -> None:
    result = CliRunner().invoke(main, wrong)
    assert (result.exit_code, "Traceback" in result.output) == (2, False)
    assert "Error: Invalid value" in result.output


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("precision", "--set must be NAME=VALUE, but got 'precision'"),
        ("precison=bf16", "VaeConfig has no setting 'precison'"),
        ("batch_size=0", "batch_size"),
    ],
)
def test_settings_that_do_not_fit_are_one_sentence(change: str, message: str) -> None:
    result = CliRunner().invoke(main, ["--preset", "smoke", "--set", change])
    assert (result.exit_code, "Traceback" in result.output) == (2, False)
    assert message in result.output


def test_settings_reach_what_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    options = ["--section", "operations", "--preset", "smoke", "--repeats", "1", "--json", str(path)]
    assert CliRunner().invoke(main, [*options, "--set", "batch_size=3", "--set", "epochs=7"]).exit_code == 0
    written = json.loads(path.read_text())
    (row,) = written["tables"]["Operations"]
    assert (row["batch"], row["epochs"]) == (3, 7)
    assert row["full run, h"] == pytest.approx(8500 * 7 / row["images/s"] / 3600)
    assert written["changes"] == ["batch_size=3", "epochs=7"]
