"""The supervisor of a server's processes, with stand-ins for them: replaced, stopped in order, ended at once."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from serving.worker import READY
from serving.workers import StartError, Workers
from tests.serving.conftest import ROOT

STAND_IN = """
import os, signal, socket, sys, time
link = socket.socket(fileno=int(sys.argv[2]))
{before}
link.sendall(b"ready")
time.sleep(120)
"""
STUBBORN = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
GRACE = 20

Make = Callable[..., Workers]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Workers whose processes are stand-ins: `python -m` looks into the current folder first."""

    def made(count: int, before: str = "") -> Workers:
        package = tmp_path / "serving"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "worker.py").write_text(STAND_IN.format(before=before))
        monkeypatch.chdir(tmp_path)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        return Workers(listener, count, environment, GRACE)

    return made


def served(workers: Workers, then: Callable[[], None], said: list[str]) -> int:
    """Run until a signal comes; `then` happens in a thread, once all processes are ready."""
    thread = threading.Thread(target=then)
    try:
        return workers.serve(thread.start, said.append)
    finally:
        thread.join()


def send(*numbers: signal.Signals) -> Callable[[], None]:
    def act() -> None:
        for number in numbers:
            time.sleep(0.3)
            os.kill(os.getpid(), number)

    return act


def processes(workers: Workers) -> list[int]:
    return [worker.process.pid for worker in list(workers.running.values())]


def wait_until(reached: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not reached() and time.monotonic() < until:
        time.sleep(0.05)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_worker_that_dies_is_replaced_and_the_others_go_on(make: Make) -> None:
    workers, said, seen = make(2), list[str](), list[list[int]]()

    def act() -> None:
        seen.append(processes(workers))
        os.kill(seen[0][0], signal.SIGKILL)
        wait_until(lambda: len(workers.ready) == 2 and seen[0][0] not in processes(workers))
        seen.append(processes(workers))
        os.kill(os.getpid(), signal.SIGTERM)

    assert served(workers, act, said) == 0
    (before, after) = seen
    assert said == [f"worker {before[0]} has died; another takes its place"]
    assert len(after) == 2
    assert set(before) & set(after) == {before[1]}
    assert all(map(gone, {*before, *after}))


def test_a_worker_that_dies_before_it_answers_takes_no_others_along(make: Make) -> None:
    """Its predecessor was killed, and so is it while it loads the model: the memory may be short."""
    slow = "from pathlib import Path\nwhile not Path('go').exists(): time.sleep(0.05)"
    workers, said = make(2, slow), list[str]()

    def act() -> None:
        Path("go").unlink()
        first = processes(workers)
        os.kill(first[0], signal.SIGKILL)
        wait_until(lambda: bool(said) and len(workers.running) == 2)
        (second,) = set(processes(workers)) - set(first)
        os.kill(second, signal.SIGKILL)
        wait_until(lambda: len(said) == 2 or not workers.running)
        Path("go").touch()
        wait_until(lambda: len(workers.ready) == 2 or not workers.running)
        if workers.running:
            os.kill(os.getpid(), signal.SIGTERM)

    Path("go").touch()
    assert served(workers, act, said) == 0
    assert [sentence.split(" ", 2)[2] for sentence in said] == [
        "has died; another takes its place", "was killed before it answered; another takes its place",
    ]  # fmt: skip


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_all_workers_and_says_which_it_was(make: Make, number: signal.Signals, code: int) -> None:
    workers = make(1)
    assert served(workers, send(number), []) == code
    assert workers.running == {}


def test_a_second_signal_does_not_wait_for_what_is_running(make: Make) -> None:
    workers = make(2, STUBBORN)
    started = time.monotonic()
    assert served(workers, send(signal.SIGINT, signal.SIGINT), []) == 130
    assert time.monotonic() - started < GRACE / 2
    assert workers.running == {}


@pytest.mark.parametrize(
    ("before", "message"),
    [("link.sendall(b'no weights'); sys.exit(3)", "no weights"),
     ("sys.exit(3)", "a worker ended with code 3 before it answered")],
)  # fmt: skip
def test_a_worker_that_cannot_start_says_why_and_none_is_left(make: Make, before: str, message: str) -> None:
    workers = make(1, before)
    with pytest.raises(StartError, match=f"^{message}$"):
        workers.serve(lambda: None, lambda _: None)
    assert workers.running == {}


SERVER = """
import socket, sys, uvicorn
from serving.worker import Worker
async def app(scope, receive, send): pass
listener, link = (socket.socket(fileno=int(word)) for word in sys.argv[1:])
Worker(uvicorn.Config(app, lifespan="off", log_level="warning"), link).run(sockets=[listener])
"""


def test_a_worker_stops_when_its_supervisor_is_gone() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        passed = (listener.fileno(), theirs.fileno())
        process = subprocess.Popen(
            [sys.executable, "-c", SERVER, *map(str, passed)], cwd=ROOT, pass_fds=passed, start_new_session=True
        )
        theirs.close()
        try:
            ours.settimeout(60)
            assert ours.recv(100).decode() == READY
            ours.close()  # as the system does when the supervisor is killed
            process.wait(30)
        finally:
            process.kill()
