"""What is refused before Ray is asked, and how many trials fit. Without Ray."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from tune.placement import Resources


@pytest.fixture(autouse=True)
def four_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr("os.cpu_count", lambda: 8)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"gpus": 5}, r"--gpus 5, but this machine has 4 CUDA device\(s\); --gpus 0 trains on the CPU"),
        ({"gpus": 4, "gpus_per_trial": 1.5}, "--gpus-per-trial must be a whole number, or less than 1 .*, but got 1.5"),
        ({"gpus": 4, "gpus_per_trial": 0.0}, "--gpus-per-trial must be a whole number"),
        ({"gpus": 4, "gpus_per_trial": -1.0}, "--gpus-per-trial must be a whole number"),
        ({"gpus": 2, "gpus_per_trial": 3.0}, "--gpus-per-trial 3, but --gpus 2; no trial could ever start"),
        ({"cpus_per_trial": 9}, r"--cpus-per-trial 9, but this machine has 8 CPU\(s\)"),
        ({"simulate_gpus": True}, "--simulate-gpus needs --gpus N"),
        ({"address": "here"}, "`--address` must be auto or host:port, but got 'here'"),
        ({"address": "localhost:x"}, "`--address` must be auto or host:port"),
        ({"address": "127.0.0.1:99999"}, "nobody answers"),
    ],
)
def test_what_cannot_be_had_is_refused_in_a_sentence(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Resources(**asked).check()


def test_an_address_that_nobody_listens_at_is_refused_at_once(silent_port: int) -> None:
    started = time.monotonic()
    with pytest.raises(ValueError, match=f"`--address 127.0.0.1:{silent_port}` must be a running Ray cluster's"):
        Resources(address=f"127.0.0.1:{silent_port}").check()
    assert time.monotonic() - started < 5


def test_what_is_there_is_allowed() -> None:
    for asked in ({}, {"gpus": 4}, {"gpus": 9, "simulate_gpus": True}, {"gpus": 1, "gpus_per_trial": 0.3}):
        Resources(**asked).check()  # type: ignore[arg-type]
    devices = [
        Resources(gpus=gpus, simulate_gpus=counted).device for gpus, counted in ((0, False), (1, False), (1, True))
    ]
    assert devices == ["cpu", "cuda", "cpu"]


@pytest.mark.parametrize(
    ("asked", "nodes", "trials"),
    [
        ({}, [(8, 0)], 8),
        ({"cpus_per_trial": 3}, [(8, 0), (4, 2)], 3),
        ({"concurrent": 2}, [(8, 0)], 2),
        ({"gpus": 4}, [(8, 4)], 4),
        ({"gpus": 4, "gpus_per_trial": 0.5}, [(8, 4)], 8),
        ({"gpus": 4, "gpus_per_trial": 0.3}, [(99, 4)], 12),
        ({"gpus": 4, "gpus_per_trial": 0.7}, [(8, 4)], 4),
        ({"gpus": 4, "gpus_per_trial": 2.0}, [(8, 4)], 2),
        ({"gpus": 4, "gpus_per_trial": 2.0}, [(5, 4)], 1),
        ({"gpus": 3, "gpus_per_trial": 2.0}, [(8, 3)], 1),
        ({"gpus": 2}, [(8, 4), (8, 4)], 2),
        ({"gpus": 4, "cpus_per_trial": 4}, [(8, 4)], 2),
        ({"gpus": 4, "gpus_per_trial": 2.0}, [(8, 3), (8, 3)], 2),
    ],
)
def test_so_many_trials_fit(asked: dict[str, Any], nodes: list[tuple[float, float]], trials: int) -> None:
    assert Resources(**asked).room(nodes) == trials


@pytest.mark.parametrize(
    ("asked", "nodes", "message"),
    [
        ({"gpus": 9}, [(8, 4), (8, 4)], "--gpus 9, but the cluster has 8"),
        (
            {"gpus": 2, "gpus_per_trial": 2.0},
            [(8, 1), (8, 1)],
            r"a trial needs 3 CPU\(s\) and 2 GPU\(s\) of one machine",
        ),
        ({"cpus_per_trial": 4}, [(2, 0), (2, 0)], r"a trial needs 4 CPU\(s\) of one machine, .*: 2 and 0, 2 and 0"),
    ],
)
def test_a_trial_that_fits_on_no_machine_is_refused(asked: Any, nodes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Resources(**asked).room(nodes)


def test_this_machine_s_cpus_do_not_hold_back_its_gpus() -> None:
    asked = Resources(gpus=4, gpus_per_trial=0.5, cpus_per_trial=2)
    assert asked.here() == [(16, 4)]
    assert asked.room(asked.here()) == 8
    assert Resources(concurrent=12).here() == [(12, 0)]


def test_a_trial_on_several_gpus_is_as_many_processes_but_a_field_takes_one() -> None:
    asked = Resources(gpus=4, gpus_per_trial=2.0)
    assert (asked.processes, asked.cpus) == (2, 3), "and one that watches them"
    one = asked.for_one_device()
    assert (one.processes, one.cpus, one.gpu_share) == (1, 1, 1.0)
    assert one.room(one.here()) == 4
    half = Resources(gpus=1, gpus_per_trial=0.5)
    assert half.for_one_device() == half
