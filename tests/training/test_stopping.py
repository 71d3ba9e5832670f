from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from wallpaper.training.stopping import Interrupted, StopRequest, never


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_sets_the_flag_and_handlers_come_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with StopRequest() as stop:
        assert not stop()
        os.kill(os.getpid(), number)
        assert stop()
        assert stop.signal == number
    assert signal.getsignal(number) == before


def test_a_second_ctrl_c_acts_at_once() -> None:
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_without_a_signal_handlers_come_back_even_after_an_error() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(RuntimeError, match="inside"), StopRequest():
        assert signal.getsignal(signal.SIGTERM) != before
        raise RuntimeError("inside")
    assert signal.getsignal(signal.SIGTERM) == before


def test_another_thread_may_use_it_without_handlers() -> None:
    found: list[bool] = []

    def work() -> None:
        with StopRequest() as stop:
            found.append(stop())
            stop.request()
            found.append(stop())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [False, True]


def test_the_outcome_says_where_to_resume() -> None:
    assert str(Interrupted(Path("runs/a"), 3)) == "stopped in epoch 3; resume from runs/a"
    assert not never()
