"""What a search shows, as a table and as lines; and when it says that it will be done."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from tune import board as boards
from tune.board import Board, duration, number
from tune.phases import ODE, VAE
from tune.study import Past


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(boards.time, "time", made)
    return made


def told(value: float | None, epoch: int, **more: Any) -> dict[str, Any]:
    return {"values": [] if value is None else [value], "epoch": epoch, "epochs": 4, "mlflow_run": "r", **more}


def searched(clock: Clock, console: Console, phase: Any = ODE) -> Board:
    past = Past("000", {"solver": "rk4"}, "finished", (2.0,), {"seconds": 8.0, "epoch": 4, "epochs": 4})
    board = Board(phase, phase.objectives[:1], 5, past=[past], console=console)
    with board:
        for name, value, state in [("001", 1.5, "stopped early"), ("002", None, "diverged"), ("003", 3.0, "finished")]:
            row = board.row(name, {"solver": "dopri5", "rtol": 1.23456e-5})
            clock.now += 10
            row.told(told(value, 4, gpu="1"))
            board.end(row, state, "the loss is not finite" if state == "diverged" else "")
        board.row("004", {"solver": "euler"}).told(told(0.1, 2))
    return board


def test_lines_where_nobody_looks(clock: Clock) -> None:
    out = io.StringIO()
    searched(clock, Console(file=out, soft_wrap=True))
    lines = out.getvalue().splitlines()
    assert lines[0] == "  trial  W2 at best; * is the best until then"
    assert [line.split()[:5] for line in lines[1:]] == [
        ["2/5", "001*", "1.5", "stopped", "early"],
        ["3/5", "002", "-", "diverged", "10"],
        ["4/5", "003", "3", "finished", "10"],
    ]
    assert "GPU 1  solver dopri5  rtol 1.23e-05  (the loss is not finite)" in lines[2]
    assert "\x1b" not in out.getvalue()


def test_a_table_on_a_terminal(clock: Clock) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=160, height=30, color_system=None)
    searched(clock, console)
    shown = out.getvalue().rpartition("trial  phase")[2]
    assert "ODE: 4/5 done, 1 running, best 1.5 (trial 001)" in shown
    rows = {line.split()[0]: line for line in shown.splitlines() if line[:3].isdigit()}
    assert set(rows) == {"000", "001", "002", "003", "004"}
    assert rows["004"].split()[1:5] == ["ODE", "0.1", "2/4", "running"]


def test_a_table_fits_its_window(clock: Clock) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100, height=20, color_system=None)
    board = Board(ODE, ODE.objectives[:1], 99, console=console)
    for count in range(50):
        row = board.row(f"{count:03d}", {"a_setting_with_a_long_name": "x" * 90})
        row.told(told(float(count), 4))
        row.state = "finished"
    with console.capture() as captured:
        console.print(board.table())
    lines = captured.get().splitlines()
    assert len(lines) <= 20
    assert lines[1].split()[:5] == ["000", "ODE", "0", "4/4", "finished"]  # the best; nothing but settings is cut
    assert lines[-2].startswith("049")  # the last


def test_the_best_is_the_highest_where_more_is_better(clock: Clock) -> None:
    best = searched(clock, Console(file=io.StringIO()), VAE).best()
    assert best is not None
    assert best.name == "003"


def test_the_time_left_follows_from_the_work_done_here(clock: Clock) -> None:
    board = searched(clock, Console(file=io.StringIO()))  # 3.5 trials in 30 s, one before that; half a trial is left
    assert board.seconds_left() == pytest.approx(30 / 3.5 * 0.5)
    assert "about 4 s left" in board.summary()
    assert Board(ODE, ODE.objectives[:1], 3).seconds_left() is None


def test_figures_are_short() -> None:
    assert [number(value) for value in (31234.0, 1.23456, 1e12, 0.00012341)] == ["31234", "1.235", "1e+12", "0.0001234"]
    assert [duration(value) for value in (5, 300, 7200)] == ["5 s", "5 min", "2.0 h"]
