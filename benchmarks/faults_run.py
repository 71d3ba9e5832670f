"""Commands of a small project from data to registry, run to their end or killed on the way.

Each attempt is a real process in the project's folder, which records to a real tracking server; a kill is SIGKILL to
it, to one of those that it has started, or to that server. Knows nothing about what must be left of them in the end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.faults_search import SEARCHES, Trials, finished
from benchmarks.faults_servers import Served, tracking_server
from benchmarks.faults_victims import DRIVER, NODE, OTHER, SERVER, TRAINER, TRIAL, Plan, called, of_kind, orphans, tree

ROOT = Path(__file__).resolve().parents[1]

DATA = "data/patterns.h5"

PATIENCE = 600.0
"""Seconds that a command may take on a busy machine."""

_POLL = 0.02


@dataclass(frozen=True, slots=True)
class Command:
    """One step of the project."""

    words: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    """What may be killed in it."""
    runs: str = ""
    """Folder of the runs that --resume goes on with; empty if it is repeated as it is."""

    @property
    def name(self) -> str:
        """As people call it."""
        return self.words[0]

    @property
    def is_search(self) -> bool:
        """Whether its runs are searches."""
        return self.runs == SEARCHES

    @property
    def goes_on(self) -> bool:
        """Whether work of a killed attempt is kept."""
        return bool(self.runs) or self.name == "generate"


def commands(per_group: int, epochs: int, trials: int) -> tuple[Command, ...]:
    """A project that takes about two minutes on two cores."""
    preset = ("--preset", "smoke")
    small = (*preset, "--device", "cpu", "--log-every", str(max(epochs // 2, 1)), "--epochs", str(epochs))
    sampled = ("--sampler", "random", "--scheduler", "none", "--concurrent", "2", "--no-pictures", "--no-register")
    return (
        Command(("generate", "--per-group", str(per_group), "--size", "32", "--workers", "2"), (OTHER,)),
        Command(("train-vae", *small), (TRAINER, SERVER, OTHER), "output/vae"),
        Command(
            ("train-ode", *small, "--pairs-per-epoch", "2048", "--no-pictures"), (TRAINER, SERVER), "output/ode"
        ),
        Command(
            ("search", *preset, "--trials", str(trials), "--epochs", "5", *sampled),
            (TRIAL, NODE, DRIVER, SERVER), SEARCHES,
        ),
        Command(("evaluate",), (SERVER, OTHER)),
        Command(("register",), (SERVER, OTHER)),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kill:
    """What was killed and when, and what came of it."""

    kind: str
    command: str
    seconds: float
    """Since the command's first file, or that of its work."""
    process: str
    lost: float
    """Seconds of work since what is kept."""
    then: str
    trials: Trials = field(default_factory=dict)
    """Those that had been finished before."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One process of a command."""

    code: int
    work: float
    """Seconds between the first file of its work and its end."""
    kill: Kill | None = None
    left: tuple[str, ...] = ()
    """Processes that were still there long after their command was killed."""
    said: str = ""
    """Its output."""


@dataclass
class Project:
    """A folder with a store of its own, and all that its commands have said in `said.txt`."""

    folder: Path
    server: Served = field(init=False)
    """Of MLflow, over the store."""
    done: set[Path] = field(default_factory=set)
    """Folders of runs that have come to their end."""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.server = tracking_server(self.folder)

    @property
    def database(self) -> Path:
        """Of its MLflow store."""
        return self.folder / "mlflow.db"

    @property
    def said(self) -> Path:
        """Output of all attempts, one behind the other."""
        return self.folder / "said.txt"

    @property
    def environment(self) -> dict[str, str]:
        """Of all its commands."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        path = os.pathsep.join([str(ROOT), *filter(None, [kept.get("PYTHONPATH")])])
        own = {"MLFLOW_TRACKING_URI": self.server.address, "MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONPATH": path}
        return {**kept, **own, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Its tracking server runs while the block lasts; MLflow's own functions, too, read that store."""
        before = os.environ.get("MLFLOW_TRACKING_URI")
        os.environ["MLFLOW_TRACKING_URI"] = self.server.address
        self.server.start()
        try:
            self.server.wait()
            yield
        finally:
            self.server.kill()
            os.environ.pop("MLFLOW_TRACKING_URI")
            if before is not None:
                os.environ["MLFLOW_TRACKING_URI"] = before

    def attempt(self, command: Command, plan: Plan | None = None) -> Attempt:
        """Run a command, or go on with it; kill as `plan` says, unless it ends before.

        Raises: RuntimeError: it does not end.
        """
        self.server.wait()
        begins = self.said.stat().st_size if self.said.exists() else 0
        with self._process(command) as process:
            began = self._first_write(process, command, is_early=plan is not None and plan.is_early)
            found, victims = self._wait_for(process, plan, began)
            if plan is None or not victims:
                code, kill, left = _ended(process, command), None, tuple[str, ...]()
            else:
                code, kill, left = self._killed(process, command, plan, found, victims, began)
        if code == 0 and command.runs:
            self.done |= set((self.folder / command.runs).iterdir())
        said = self.said.read_bytes()[begins:].decode(errors="replace")
        return Attempt(code, time.monotonic() - began, kill, left, said)

    def _wait_for(
        self, process: subprocess.Popen[bytes], plan: Plan | None, began: float
    ) -> tuple[list[psutil.Process], list[psutil.Process]]:
        """All processes of a command and those that may be killed, when it is time and there are some."""
        found: list[psutil.Process] = []
        victims: list[psutil.Process] = []
        while plan is not None and process.poll() is None and not victims:
            time.sleep(_POLL)
            if time.monotonic() - began >= plan.seconds:
                found = tree(process)
                victims = of_kind(plan.kind, found)
        return found, victims

    def _killed(
        self, process: subprocess.Popen[bytes], command: Command, plan: Plan, found: list[psutil.Process],
        victims: list[psutil.Process], began: float,
    ) -> tuple[int, Kill, tuple[str, ...]]:  # fmt: skip
        """Kill, wait for what comes of it: the exit code, the record of it, and processes that outlive the command."""
        moment, lost, trials = time.monotonic() - began, self._unsaved(command, began), finished(self.folder)
        if plan.kind == SERVER:
            name = f"for {plan.away:.1f} s"
            self.server.kill()
            time.sleep(plan.away)
            self.server.start()
        else:
            victim = victims[int(plan.share * len(victims))]
            name = called(victim, process.pid)
            with suppress(psutil.NoSuchProcess):
                victim.kill()
        code = _ended(process, command)
        then = "went on to its end" if code == 0 else self._state(command)
        return code, Kill(plan.kind, command.name, moment, name, lost, then, trials), orphans(found)

    @contextmanager
    def _process(self, command: Command) -> Iterator[subprocess.Popen[bytes]]:
        words = self._typed(command)
        with self.said.open("ab") as said:
            said.write(f"\n$ {' '.join(words)}\n".encode())
            said.flush()
            typed = [sys.executable, *words]
            with subprocess.Popen(
                typed, cwd=self.folder, env=self.environment, stdout=said, stderr=said
            ) as process:  # fmt: skip
                try:
                    yield process
                finally:
                    process.kill()

    def _typed(self, command: Command) -> list[str]:
        """What stands behind `python`."""
        goes_on = command.runs and self._begun(command)
        again = ["--resume", "last"] if goes_on else []
        if (
            command.is_search
        ):  # not `wallpaper search`: that is only the search's door, and would be killed in its stead
            name = f"s{len(list((self.folder / SEARCHES).glob('*/search.json'))) + 1}"
            return [str(ROOT / "tune" / "search.py"), *(again or [*command.words[1:], "--name", name])]
        return ["-m", "wallpaper", *command.words, *again]

    def _first_write(self, process: subprocess.Popen[bytes], command: Command, *, is_early: bool) -> float:
        """When the command has written the first file of its work: what went before were imports, which lose nothing.

        Args: is_early: its first file of all, also where it is a search that has yet to start Ray.
        """
        patterns = ["data/*", "mlflow.db*", "output/*/*"]
        if command.is_search and not is_early:
            patterns = [f"{SEARCHES}/*/*/trials/*/*"]
        before = self._newest(patterns)
        while process.poll() is None and self._newest(patterns) <= before:
            time.sleep(_POLL)
        return time.monotonic()

    def _newest(self, patterns: list[str]) -> int:
        """Time of the last change, in nanoseconds."""
        times = [0]
        for path in (path for pattern in patterns for path in self.folder.glob(pattern)):
            with suppress(OSError):
                times.append(path.stat().st_mtime_ns)
        return max(times)

    def _begun(self, command: Command) -> Path | None:
        """The newest run of a training or a search, if it can be gone on with: it has kept something, and not ended."""
        kept = "search.json" if command.is_search else "last.safetensors"
        found = max((self.folder / command.runs).glob(f"*/{kept}"), default=None)
        return None if found is None or found.parent in self.done else found

    def _unsaved(self, command: Command, began: float) -> float:
        """Seconds since what this attempt has kept, or else since it began."""
        since = time.monotonic() - began
        pattern = f"{command.runs}/**/last.safetensors" if command.runs else "data/*"
        changes = [*self.folder.glob(pattern)] if command.goes_on else []
        ages = [time.time() - path.stat().st_mtime for path in changes if path.exists()]
        return min([since, *ages])

    def _state(self, command: Command) -> str:
        if not command.goes_on:
            return "began again"
        if command.runs and not self._begun(command):
            return "began again: nothing kept yet"
        return "went on"


def _ended(process: subprocess.Popen[bytes], command: Command) -> int:
    try:
        return process.wait(PATIENCE)
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"`wallpaper {command.name}` must end within {PATIENCE:.0f} s, but still runs") from error
