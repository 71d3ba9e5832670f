"""Work over processes: in order, bounded, on one thread each, and gone when nobody wants more."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from wallpaper.workers import _interrupts_later, apart, ordered

ROOT = Path(__file__).parents[1]

PROGRAM = """
import os, sys, time
from pathlib import Path

def work(number):
    (Path(sys.argv[1]) / str(os.getpid())).touch()
    time.sleep(0.01)
    return os.environ["OMP_NUM_THREADS"]

if __name__ == "__main__":
    from wallpaper.workers import ordered
    try:
        print("ready", flush=True)
        threads = set(ordered(work, range(int(sys.argv[2])), 2, preload="numpy"))
        print(threads, os.environ["OMP_NUM_THREADS"])
    except KeyboardInterrupt:
        sys.exit(130)
"""
"""Work in two processes, which leave their ids in the folder argv[1]; argv[2] tasks."""


def slow_square(number: int) -> int:
    time.sleep(0.02 * (3 - number % 3))
    return number * number


def fail(number: int) -> int:
    raise ValueError(f"no {number}")


def die(number: int) -> int:
    os._exit(1)


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_tasks(workers: int) -> None:
    assert list(ordered(slow_square, range(12), workers, preload=__name__)) == [n * n for n in range(12)]


def test_few_tasks_are_under_way_at_a_time() -> None:
    taken = []
    results = ordered(slow_square, (taken.append(n) or n for n in range(100)), 2, preload=__name__)  # type: ignore[func-returns-value]
    next(results)
    assert len(taken) <= 5
    results.close()  # type: ignore[attr-defined]


def test_nothing_goes_on_when_nobody_wants_more() -> None:
    before = set(multiprocessing.active_children())
    results = ordered(time.sleep, [0.0, 30.0, 30.0], 2, preload=__name__)
    next(results)
    time.sleep(0.5)  # until the next tasks are under way
    started = time.monotonic()
    results.close()  # type: ignore[attr-defined]
    assert time.monotonic() - started < 15
    assert set(multiprocessing.active_children()) <= before


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_the_work_is_the_caller_s(workers: int) -> None:
    with pytest.raises(ValueError, match="no 3"):
        list(ordered(fail, [3], workers, preload=__name__))


def test_a_dead_worker_is_noticed() -> None:
    with pytest.raises(BrokenProcessPool):
        list(ordered(die, [1, 2, 3], 2, preload=__name__))


def test_an_interrupt_waits_for_the_end_of_the_block() -> None:
    seen = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            with _interrupts_later():
                signal.raise_signal(signal.SIGINT)
                seen.append("went on")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == ["went on"]


def test_another_thread_may_start_workers_too() -> None:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.extend(ordered(slow_square, [2, 3], 2, preload=__name__)))
    thread.start()
    thread.join()
    assert found == [4, 9]


def test_a_task_that_ends_its_process_does_not_end_this_one() -> None:
    assert apart(slow_square, 5, preload=__name__) == 25
    with pytest.raises(BrokenProcessPool):
        apart(die, 5, preload=__name__)


def test_an_interrupt_that_comes_while_all_ends_is_forgotten() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with _interrupts_later(forget=True):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def run(folder: Path, tasks: int) -> subprocess.Popen[str]:
    """The program, started, in a process group of its own as a terminal gives it; its workers write to folder/pids.

    All its processes share its output, so `communicate` returns when the last of them has ended.
    """
    (folder / "pids").mkdir()
    (folder / "run.py").write_text(PROGRAM)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "7"}
    started = subprocess.Popen(
        [sys.executable, folder / "run.py", folder / "pids", str(tasks)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    return started


def until(happens: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Wait; whether it happened in time."""
    end = time.monotonic() + seconds
    while not happens() and time.monotonic() < end:
        time.sleep(0.02)
    return happens()


def test_workers_compute_on_one_thread_and_the_parent_as_before(tmp_path: Path) -> None:
    assert run(tmp_path, 4).communicate(timeout=60) == ("{'1'} 7\n", "")


@pytest.mark.parametrize("delay", [0.0, 0.03, 0.1, 0.2, 0.4, 0.8])
def test_an_interrupt_at_any_moment_leaves_no_traceback_and_no_process(tmp_path: Path, delay: float) -> None:
    program = run(tmp_path, 100_000)
    time.sleep(delay)
    os.killpg(program.pid, signal.SIGINT)
    assert program.communicate(timeout=60) == ("", "")
    assert program.returncode == 130


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.4, 0.8])
def test_a_termination_at_any_moment_leaves_no_warning_and_no_process(tmp_path: Path, delay: float) -> None:
    """To the program alone, as a supervisor sends it; Python would warn of semaphores that nobody took back."""
    program = run(tmp_path, 100_000)
    time.sleep(delay)
    program.terminate()
    assert program.communicate(timeout=60) == ("", "")
    assert program.returncode in (143, -15)  # the latter before there are workers


def test_a_handler_of_the_callers_stays_while_workers_work() -> None:
    came: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: came.append(number))
    try:
        results = ordered(slow_square, range(4), 2, preload=__name__)
        assert next(results) == 0
        signal.raise_signal(signal.SIGTERM)
        assert list(results) == [1, 4, 9]
    finally:
        signal.signal(signal.SIGTERM, before)
    assert came == [signal.SIGTERM]


def test_the_default_is_back_when_workers_have_ended() -> None:
    assert list(ordered(slow_square, range(4), 2, preload=__name__)) == [0, 1, 4, 9]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_workers_end_with_a_killed_parent(tmp_path: Path) -> None:
    program = run(tmp_path, 100_000)
    assert until(lambda: len(os.listdir(tmp_path / "pids")) == 2)
    program.kill()
    assert "Traceback" not in program.communicate(timeout=60)[1]
