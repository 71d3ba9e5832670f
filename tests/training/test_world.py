"""Two processes that train together take the steps of one: real processes, torch's own messages between them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import distributed

from tests.training.fake_store import FakeStore
from tests.training.test_vae_loop import CONFIG, timeless
from wallpaper.training.report import Row, read_history
from wallpaper.training.vae_loop import fit_vae, train
from wallpaper.training.world import ALONE, World

SHARED = replace(
    CONFIG, backbone="residual", hidden_dims=(8, 8), latent_dim=16, pool="grid", recolour=True, ema_decay=0.9
)
"""Without batch normalisation, whose statistics on CPUs are each process's own."""

CLOSE = 1e-4
"""Relative: float32 sums in another order, over a few dozen steps."""


def together(size: int, folder: Path, work: Callable[[World], object]) -> None:
    """`work` in `size` processes that know of each other; all must end well."""
    folder.mkdir(exist_ok=True, parents=True)
    meeting = folder / f"meeting-{len(list(folder.iterdir()))}"
    processes = []
    for rank in range(size):
        process = os.fork()
        if process == 0:
            try:
                distributed.init_process_group("gloo", f"file://{meeting}", rank=rank, world_size=size)
                work(World.joined())
                distributed.destroy_process_group()
                os._exit(0)
            finally:
                os._exit(1)
        processes.append(process)
    assert [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes] == [0] * size


def same_losses(found: list[Row], expected: list[Row]) -> None:
    assert len(found) == len(expected)
    for row, other in zip(timeless(found), timeless(expected), strict=True):
        for name, value in other.items():
            if name != "val/active_dimensions":
                assert row[name] == pytest.approx(value, rel=CLOSE, abs=1e-6), name


@pytest.mark.parametrize("size", [2, 3])
def test_several_processes_reach_the_losses_of_one(size: int, tmp_path: Path) -> None:
    one = fit_vae(SHARED, FakeStore(), tmp_path / "one")
    together(size, tmp_path / "meet", lambda world: train(SHARED, FakeStore(), tmp_path / "several", world=world))
    same_losses(read_history(tmp_path / "several"), one.history)


def test_a_run_of_several_goes_on_in_one_and_back(tmp_path: Path) -> None:
    one = fit_vae(SHARED, FakeStore(), tmp_path / "one")
    folder = tmp_path / "several"

    def work(epochs: int, resume: bool) -> Callable[[World], object]:
        config = replace(SHARED, epochs=epochs, scheduler="constant")
        return lambda world: train(config, FakeStore(), folder, world=world, resume=resume)

    constant = fit_vae(replace(SHARED, scheduler="constant"), FakeStore(), tmp_path / "constant")
    together(2, tmp_path / "meet", work(1, False))
    train(replace(SHARED, epochs=2, scheduler="constant"), FakeStore(), folder, resume=True)
    together(2, tmp_path / "meet", work(3, True))
    rows = [{**row, "epochs": 3} for row in read_history(folder)]
    same_losses(rows, constant.history)
    assert one.history[-1]["train/loss"] != constant.history[-1]["train/loss"]


def test_batch_normalisation_on_cpus_differs_a_little(tmp_path: Path) -> None:
    """What `World.wrapped` says of it: each process normalises by its own share."""
    one = fit_vae(CONFIG, FakeStore(), tmp_path / "one").history
    together(2, tmp_path / "meet", lambda world: train(CONFIG, FakeStore(), tmp_path / "two", world=world))
    rows = read_history(tmp_path / "two")
    assert rows[0]["train/loss"] == pytest.approx(one[0]["train/loss"], rel=0.2)
    assert rows[0]["train/loss"] != pytest.approx(one[0]["train/loss"], rel=CLOSE)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9, 32])
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_shares_are_disjoint_and_their_means_make_the_batchs(size: int, count: int) -> None:
    values = torch.arange(count, dtype=torch.float64).square()
    worlds = [World(rank, size) for rank in range(size)]
    shares = [values[world.share(count)] for world in worlds]
    if count >= size:
        assert sorted(torch.cat(shares).tolist()) == values.tolist()
    total = sum(world.weight(count) * float(share.mean()) for world, share in zip(worlds, shares, strict=True))
    assert total == pytest.approx(float(values.mean()))


def test_alone_nothing_is_shared() -> None:
    assert World.joined() == ALONE
    module = torch.nn.Linear(1, 1)
    assert ALONE.wrapped(module) is module
    assert ALONE.from_first("x") == "x"
    assert ALONE.is_first
