from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from wallpaper.training.checkpoint import (
    CheckpointError,
    check_same_run,
    checkpoint_path,
    load_checkpoint,
    load_optimiser,
    load_weights,
    optimiser_tensors,
    save_checkpoint,
    weights_digest,
)
from wallpaper.training.files import write_bytes


def save(folder: Path, scale: float = 1.0) -> Path:
    weights = {"a": torch.full((2, 3), scale), "b.c": torch.tensor(3, dtype=torch.int64)}
    return save_checkpoint(folder, "last", weights=weights, state={"rng": torch.arange(5)}, meta={"epoch": 4})


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    path = save(tmp_path / "run")
    found = load_checkpoint(tmp_path / "run", "last")
    assert path == checkpoint_path(tmp_path / "run", "last") == tmp_path / "run" / "last.safetensors"
    assert {name: value.tolist() for name, value in found.weights.items()} == {"a": [[1.0] * 3] * 2, "b.c": 3}
    assert found.weights["b.c"].dtype == torch.int64
    assert found.state["rng"].tolist() == [0, 1, 2, 3, 4]
    assert found.meta == {"epoch": 4}
    assert (tmp_path / "run" / "last.json").read_text() == '{\n  "epoch": 4\n}\n'


def test_tensors_that_share_memory_or_are_not_contiguous_are_saved_by_value(tmp_path: Path) -> None:
    base = torch.arange(6.0).view(2, 3)
    save_checkpoint(tmp_path, "x", weights={"a": base, "b": base, "t": base.T}, state={}, meta={})
    found = load_checkpoint(tmp_path, "x").weights
    assert torch.equal(found["b"], base)
    assert torch.equal(found["t"], base.T)


def test_who_reads_the_older_file_goes_on_reading_it(tmp_path: Path) -> None:
    with save(tmp_path).open("rb") as reader:
        before = reader.read(10)
        save(tmp_path, scale=2.0)
        rest = reader.read()
    (tmp_path / "read.safetensors").write_bytes(before + rest)
    assert load_checkpoint(tmp_path, "read").weights["a"].sum() == 6


def test_a_failed_write_leaves_the_older_file_and_no_litter(tmp_path: Path) -> None:
    save(tmp_path)
    before = sorted(p.name for p in tmp_path.iterdir())
    with pytest.raises(ValueError, match="JSON compliant"):
        save_checkpoint(tmp_path, "last", weights={"a": torch.zeros(1)}, state={}, meta={"loss": float("nan")})
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        write_bytes(tmp_path / "taken", b"a folder is in the way")
    assert load_checkpoint(tmp_path, "last").weights["a"].sum() == 6
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*before, "taken"])


def test_a_missing_file_says_where_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no checkpoint at .*best\.safetensors; train first"):
        load_checkpoint(tmp_path, "best")


@pytest.mark.parametrize("keep", [0, 4, 40, 300, -1])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: int) -> None:
    path = save(tmp_path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=r"last\.safetensors is not a whole safetensors file"):
        load_checkpoint(tmp_path, "last")


def test_a_pickle_is_refused_unread(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(2)}, tmp_path / "last.safetensors")
    with pytest.raises(CheckpointError, match="is not a whole safetensors file"):
        load_checkpoint(tmp_path, "last")


@pytest.mark.parametrize("header", [None, {"format": "wallpaper-checkpoint", "version": "99", "meta": "{}"}])
def test_a_foreign_or_newer_file_is_refused(tmp_path: Path, header: dict[str, str] | None) -> None:
    safetensors.torch.save_file({"a": torch.zeros(2)}, tmp_path / "last.safetensors", metadata=header)
    with pytest.raises(CheckpointError, match=r"must have format 'wallpaper-checkpoint', version '1', but has format"):
        load_checkpoint(tmp_path, "last")


def train(model: nn.Module, optimiser: torch.optim.Optimizer, steps: int) -> list[Tensor]:
    for step in range(steps):
        optimiser.zero_grad()
        model(torch.full((2, 3), float(step))).square().sum().backward()
        optimiser.step()
    return [p.detach().clone() for p in model.parameters()]


def test_an_optimiser_put_back_takes_the_same_steps(tmp_path: Path) -> None:
    torch.nn.init.ones_((model := nn.Linear(3, 2)).weight)
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.1)
    train(model, optimiser, 3)
    save_checkpoint(tmp_path, "last", weights=model.state_dict(), state=optimiser_tensors(optimiser), meta={})
    expected = train(model, optimiser, 3)
    checkpoint = load_checkpoint(tmp_path, "last")
    copy = nn.Linear(3, 2)
    load_weights(copy, checkpoint.weights, "here")
    resumed = torch.optim.AdamW(copy.parameters(), lr=0.1)
    load_optimiser(resumed, checkpoint.state)
    assert all(torch.equal(a, b) for a, b in zip(train(copy, resumed, 3), expected, strict=True))


def test_weights_that_do_not_fit_are_refused_by_name() -> None:
    wrong = {"weight": torch.zeros(2, 4), "extra": torch.zeros(1)}
    with pytest.raises(
        CheckpointError, match=r"here must .* bias is missing; extra is unknown; weight is \(2, 4\), not"
    ):
        load_weights(nn.Linear(3, 2), wrong, "here")


def test_a_run_of_other_settings_is_refused() -> None:
    check_same_run(Path("p"), {"a": 1, "epochs": 2}, {"a": 1, "epochs": 3}, ("epochs",))
    with pytest.raises(CheckpointError, match=r"p can only be resumed .* a was 1, is now 2; b was None, is now 0"):
        check_same_run(Path("p"), {"a": 1}, {"a": 2, "b": 0}, ())


def test_the_digest_depends_on_names_shapes_types_and_values_only() -> None:
    weights = {"a": torch.arange(6.0), "b": torch.tensor(1)}
    digest = weights_digest(weights)
    assert digest == weights_digest({"b": torch.tensor(1), "a": torch.arange(12.0)[:6]})
    others = [
        {"a": torch.arange(6.0), "c": torch.tensor(1)},
        {"a": torch.arange(6.0).view(2, 3), "b": torch.tensor(1)},
        {"a": torch.arange(6.0).double(), "b": torch.tensor(1)},
        {"a": torch.arange(6.0) + 1e-6, "b": torch.tensor(1)},
        {"a": torch.arange(6.0).view(torch.int32), "b": torch.tensor(1)},
    ]
    assert len({digest, *map(weights_digest, others)}) == 6
    assert len(digest) == 64
