"""Commands of a small project from data to registry, run to their end or killed on the way.

Each attempt is a real process in the project's folder; a kill is SIGKILL to it or to one of those that it has started.
Knows nothing about what must be left of them in the end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psutil

DATA = "data/patterns.h5"

PATIENCE = 600.0
"""Seconds that a command may take on a busy machine."""

ORPHANS = 90.0
"""Seconds in which processes that a killed command has started must be gone: a registration ends by itself."""

_POLL = 0.02

_KNOWN = {"serving.register": "registration", "epoch_pictures": "drawing", "resource_tracker": "tracker"}
"""Part of a process's words, and what it is called here."""


@dataclass(frozen=True, slots=True)
class Command:
    """One step of the project."""

    words: tuple[str, ...]
    runs: str = ""
    """Folder of the runs that --resume goes on with; empty if it is repeated as it is."""

    @property
    def name(self) -> str:
        """As people call it."""
        return self.words[0]

    @property
    def goes_on(self) -> bool:
        """Whether work of a killed attempt is kept."""
        return bool(self.runs) or self.name == "generate"


def commands(per_group: int, epochs: int) -> tuple[Command, ...]:
    """A project that takes about a minute on two cores."""
    small = ("--preset", "smoke", "--device", "cpu", "--log-every", str(max(epochs // 2, 1)))
    return (
        Command(("generate", "--per-group", str(per_group), "--size", "32", "--workers", "2")),
        Command(("train-vae", *small, "--epochs", str(epochs)), "output/vae"),
        Command(
            ("train-ode", *small, "--epochs", str(epochs), "--pairs-per-epoch", "2048", "--no-pictures"), "output/ode"
        ),
        Command(("evaluate",)),
        Command(("register",)),
    )


@dataclass(frozen=True, slots=True)
class Kill:
    """What was killed and when, and what came of it."""

    command: str
    seconds: float
    """Since the command wrote its first file."""
    process: str
    lost: float
    """Seconds of work since what is kept."""
    then: str


@dataclass(frozen=True, slots=True)
class Plan:
    """When to kill what, drawn beforehand: shares of the time and of the processes that are there then."""

    seconds: float
    share: float


@dataclass(frozen=True, slots=True)
class Attempt:
    """One process of a command."""

    code: int
    work: float
    """Seconds between the first file that it wrote and its end."""
    kill: Kill | None
    left: tuple[str, ...] = ()
    """Processes that were still there long after their command was killed."""


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with a store of its own, and all that its commands have said in `said.txt`."""

    folder: Path

    @property
    def database(self) -> Path:
        """Of its MLflow store."""
        return self.folder / "mlflow.db"

    @property
    def said(self) -> Path:
        """Output of all attempts, one behind the other."""
        return self.folder / "said.txt"

    def attempt(self, command: Command, plan: Plan | None = None) -> Attempt:
        """Run a command, or go on with it; kill as `plan` says, unless it ends before.

        Raises: RuntimeError: it does not end.
        """
        with self._process(command) as process:
            began = self._first_write(process)
            if plan is None:
                return Attempt(_ended(process, command), time.monotonic() - began, None)
            while process.poll() is None and time.monotonic() - began < plan.seconds:
                time.sleep(_POLL)
            tree = _tree(process)
            if process.poll() is not None or not tree:
                return Attempt(process.wait(), time.monotonic() - began, None)
            victim = tree[int(plan.share * len(tree))]
            name, lost = _called(victim, process.pid), self._unsaved(command, began)
            moment = time.monotonic() - began
            with suppress(psutil.NoSuchProcess):
                victim.kill()
            code = _ended(process, command)
            left = _orphans(tree)
            then = "went on to its end" if code == 0 else self._state(command)
            return Attempt(code, time.monotonic() - began, Kill(command.name, moment, name, lost, then), left)

    @contextmanager
    def store(self) -> Iterator[None]:
        """MLflow's own functions read this project's store while the block lasts."""
        before = os.environ.get("MLFLOW_TRACKING_URI")
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{self.database}"
        try:
            yield
        finally:
            os.environ.pop("MLFLOW_TRACKING_URI")
            if before is not None:
                os.environ["MLFLOW_TRACKING_URI"] = before

    @contextmanager
    def _process(self, command: Command) -> Iterator[subprocess.Popen[bytes]]:
        words = [sys.executable, "-m", "wallpaper", *command.words]
        if command.runs and self._checkpoint(command):
            words += ["--resume", "last"]
        own = {"MLFLOW_TRACKING_URI": f"sqlite:///{self.database}", "MLFLOW_DISABLE_TELEMETRY": "true"}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        environment |= {**own, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.said.open("ab") as said:
            said.write(f"\n$ wallpaper {' '.join(words[3:])}\n".encode())
            said.flush()
            with subprocess.Popen(words, cwd=self.folder, env=environment, stdout=said, stderr=said) as process:
                try:
                    yield process
                finally:
                    process.kill()

    def _first_write(self, process: subprocess.Popen[bytes]) -> float:
        """When the command has written its first file: what went before were imports, which lose nothing."""
        before = self._newest()
        while process.poll() is None and self._newest() <= before:
            time.sleep(_POLL)
        return time.monotonic()

    def _newest(self) -> int:
        """Time of the last change, in nanoseconds."""
        times = [0]
        for path in [*self.folder.glob("data/*"), Path(f"{self.database}.lock")]:
            with suppress(OSError):
                times.append(path.stat().st_mtime_ns)
        return max(times)

    def _checkpoint(self, command: Command) -> Path | None:
        """Of the newest run of a training that can be gone on with."""
        return max((self.folder / command.runs).glob("*/last.safetensors"), default=None)

    def _unsaved(self, command: Command, began: float) -> float:
        """Seconds since what this attempt has kept, or else since it began."""
        since = time.monotonic() - began
        kept = self._checkpoint(command) if command.runs else None
        changes = [kept] if kept else [*self.folder.glob("data/*")] if command.goes_on else []
        ages = [time.time() - path.stat().st_mtime for path in changes]
        return min([since, *ages])

    def _state(self, command: Command) -> str:
        if not command.goes_on:
            return "began again"
        if command.runs and not self._checkpoint(command):
            return "began again: no checkpoint yet"
        return "went on"


def draw(random: Random, share: float, count: int) -> Plan:
    """A moment for one of `count` kills of a command whose work takes `share` seconds."""
    return Plan(random.uniform(0, share * min(1.0, 2 / count)), random.random())


def _ended(process: subprocess.Popen[bytes], command: Command) -> int:
    try:
        return process.wait(PATIENCE)
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"`wallpaper {command.name}` must end within {PATIENCE:.0f} s, but still runs") from error


def _tree(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The process and all that it has started, as far as they run."""
    try:
        own = psutil.Process(process.pid)
        return [own, *own.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _called(process: psutil.Process, own: int) -> str:
    """What a process does, in a word."""
    if process.pid == own:
        return "the command"
    try:
        words = " ".join(process.cmdline())
    except psutil.Error:
        return "worker"
    return next((name for part, name in _KNOWN.items() if part in words), "worker")


def _orphans(tree: list[psutil.Process]) -> tuple[str, ...]:
    """Processes of a command that has ended which do not end too; they are ended."""
    _, alive = psutil.wait_procs(tree, timeout=ORPHANS)
    names = tuple(_called(process, 0) for process in alive)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    return names
