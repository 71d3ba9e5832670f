"""The end of the project: the model is served and the dashboard shown while processes of theirs are killed.

Both are asked all the time. Knows no command that trains or records.
"""

from __future__ import annotations

import hashlib
import json
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException

import psutil

from benchmarks.faults_run import Kill, Project
from benchmarks.faults_servers import PATIENCE, Served
from benchmarks.faults_victims import DASHBOARD, SCORER, Plan, of_kind, orphans, tree
from serving.client import connect

WORKERS = 2

REPLACED = "a worker that was killed must be replaced"

_POLL = 0.1


@dataclass
class Probed:
    """What came of a server."""

    kills: list[Kill] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    left: tuple[str, ...] = ()
    """Processes that outlived it."""
    shown: str = ""
    """What it answered before any kill: digest of a transition, or names on the dashboard's first page."""


def score(project: Project, plans: Sequence[Plan]) -> Probed:
    """Serve the registered model by two workers, kill them as planned; all answers must be the first one's bytes."""
    words = ["-m", "wallpaper", "serve", "--workers", str(WORKERS)]
    served = Served(words, project.folder, project.environment, project.folder / "serve.log", "/ping")
    probed = Probed()
    with _running(served, probed):
        ask = _transition(served.address)
        probed.shown = ask()
        with _again_and_again(lambda: _answer(ask, probed)):
            for plan in plans:
                time.sleep(plan.seconds)
                _until(lambda: bool(_scorers(served)), REPLACED)
                victims = _scorers(served)
                victims[int(plan.share * len(victims))].kill()
                probed.kills.append(Kill(SCORER, "serve", plan.seconds, SCORER, 0.0, "replaced"))
            _until(lambda: len(_scorers(served)) == WORKERS, REPLACED)
        for _ in range(2 * WORKERS):
            _answer(ask, probed)
    return probed


def show(project: Project, plans: Sequence[Plan]) -> Probed:
    """Show the store's runs, kill the dashboard as planned and start it again; its first page must name the same."""
    words = ["-m", "dashboard"]
    served = Served(words, project.folder, project.environment, project.folder / "dashboard.log", "/healthz")
    probed, names = Probed(), _run_names(project)
    with _running(served, probed):
        probed.shown = _named(served, names)
        for plan in plans:
            with _again_and_again(lambda: _look(served)):
                time.sleep(plan.seconds)
                served.kill()
            served.start()
            served.wait()
            probed.kills.append(Kill(DASHBOARD, "dashboard", plan.seconds, "the command", 0.0, "started again"))
            if (now := _named(served, names, probed.shown)) != probed.shown:
                probed.wrong.append(f"the first page names {now}, not {probed.shown}")
        try:  # it says so as soon as it has read all of the store once
            _until(
                lambda: bool(json.loads(served.get("/healthz"))["store"]), "/healthz must say that the store answers"
            )
        except RuntimeError as error:
            probed.wrong.append(str(error))
    return probed


@contextmanager
def _running(served: Served, probed: Probed) -> Iterator[None]:
    """The server answers while the block lasts; then it is asked to end, and must end well with all its processes."""
    served.start()
    try:
        served.wait()
        yield
        process = _process(served)
        found = tree(process)
        process.send_signal(signal.SIGTERM)
        code = process.wait(PATIENCE)
        if code not in (0, -signal.SIGTERM):
            probed.wrong.append(f"`{' '.join(served.words[1:3])}` ended with {code} when it was asked to end")
        probed.left = orphans(found)
    finally:
        served.kill()


@contextmanager
def _again_and_again(ask: Callable[[], object]) -> Iterator[None]:
    """Ask without a pause while the block lasts."""
    over = threading.Event()

    def go_on() -> None:
        while not over.is_set():
            ask()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _answer(ask: Callable[[], str], probed: Probed) -> None:
    """Ask once: another answer than the first one is wrong, and so is none."""
    try:
        found = ask()
    except Exception as error:  # whatever a client makes of it
        probed.wrong.append(f"no answer: {type(error).__name__}: {error}"[:200])
    else:
        if found != probed.shown:
            probed.wrong.append(f"another answer: {found[:16]}, not {probed.shown[:16]}")


def _look(served: Served) -> None:
    """Ask for a page, so that a kill comes while one is made; whoever gets none asks again."""
    with suppress(OSError, HTTPException):
        served.get("/")


def _scorers(served: Served) -> list[psutil.Process]:
    return of_kind(SCORER, tree(_process(served)))


def _transition(address: str) -> Callable[[], str]:
    """Asks for one transition; the digest of its pictures and latents."""
    client = connect(address)

    def ask() -> str:
        found = client.transition("p1", "p6m", seed=3, n_frames=4, size=64)
        return hashlib.sha256(b"".join(found.pngs) + found.latents.tobytes()).hexdigest()

    return ask


def _named(served: Served, names: Sequence[str], expected: str = "") -> str:
    """The names of runs that the first page shows, once it shows those that are expected, or no more than before."""
    until, before = time.monotonic() + PATIENCE, ""
    while time.monotonic() < until:
        page = served.get("/")
        now = " ".join(name for name in names if name in page)
        if now and now == (expected or before):
            return now
        before = now
        time.sleep(1)
    return before


def _run_names(project: Project) -> list[str]:
    with closing(sqlite3.connect(project.database, timeout=30)) as database:
        return sorted({name for (name,) in database.execute("SELECT name FROM runs")})


def _process(served: Served) -> subprocess.Popen[bytes]:
    assert served.process is not None
    return served.process


def _until(reached: Callable[[], bool], what: str) -> None:
    """Raises: RuntimeError: not in time."""
    until = time.monotonic() + PATIENCE
    while not reached():
        if time.monotonic() > until:
            raise RuntimeError(f"{what} within {PATIENCE:.0f} s, but does not")
        time.sleep(_POLL)
