"""Work over processes: in order, bounded, and gone when nobody wants more."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures.process import BrokenProcessPool

import pytest

from wallpaper.data.ordered import _interrupts_later, ordered


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
