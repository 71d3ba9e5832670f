"""What is killed: seven kinds of process, each a share of the kills, and whatever else a command has started.

Which processes of a command are of a kind, and what they are called. Knows no project and starts nothing.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random

import psutil

TRAINER, TRIAL, NODE, DRIVER = "trainer", "trial", "Ray worker node", "Ray driver"
SERVER, SCORER, DASHBOARD = "MLflow server", "scoring worker", "dashboard"
KINDS = (TRAINER, TRIAL, NODE, DRIVER, SERVER, SCORER, DASHBOARD)
"""Each occurs among the kills, if there are as many of these."""

OTHER = "other"
"""Another command than a trainer, or any process that a command has started."""

ORPHANS = 90.0
"""Seconds in which processes that a killed command has started must be gone: a registration ends by itself."""

AWAY = (2.0, 8.0)
"""Seconds between the end of a tracking server and its next start, from and to."""

EARLY = 0.25
"""Share of the moments that are counted from a command's first file, the others from its work's."""

_SHARE = 10  # of so many kills each kind has one that is certain

_KNOWN = {
    "serving.register": "registration",
    "serving.worker": "scoring worker",
    "epoch_pictures": "drawing",
    "resource_tracker": "tracker",
    "ray::ImplicitFu": "trial",
    "ray::": "Ray worker",
}
"""Part of a process's words, and what it is called here."""

_NODES = {"raylet": "raylet", "gcs_server": "Ray's head"}
"""Names of the programs that make a node of Ray; each takes its node along."""


@dataclass(frozen=True, slots=True)
class Plan:
    """When to kill what, drawn beforehand."""

    kind: str
    seconds: float
    """Of work before."""
    share: float
    """Which of the processes that are there then, in parts of all."""
    is_early: bool = False
    away: float = 0.0
    """Seconds until a tracking server is started again."""


def draw_kinds(times: int, random: Random) -> list[str]:
    """The kinds of so many kills: each of `KINDS` its certain share, the rest by chance, in order of chance."""
    certain = max(1, times // _SHARE)
    kinds = [kind for kind in KINDS for _ in range(certain)]
    if len(kinds) > times:
        return random.sample(kinds, times)
    kinds += random.choices([*KINDS, OTHER], k=times - len(kinds))
    random.shuffle(kinds)
    return kinds


def draw(kinds: Sequence[str], span: float, random: Random) -> list[Plan]:
    """Moments for kills of a command whose work takes `span` seconds, so that its work is not over before the last."""
    moments = sorted(random.uniform(0, 0.9 * span) for _ in kinds)
    return [
        Plan(kind, moment - before, random.random(), random.random() < EARLY, random.uniform(*AWAY))
        for kind, moment, before in zip(kinds, moments, [0.0, *moments], strict=False)
    ]


def tree(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The process and all that it has started, as far as they run."""
    try:
        own = psutil.Process(process.pid)
        return [own, *own.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def of_kind(kind: str, found: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Those processes of a command that a kill of this kind may end."""
    match kind:
        case "trial" | "scoring worker":
            return [process for process in found[1:] if called(process) == kind]
        case "Ray worker node":
            return [process for process in found[1:] if called(process) in _NODES.values()]
        case "other":
            return list(found)
    return list(found[:1])


def called(process: psutil.Process, own: int = 0) -> str:
    """What a process does, in a word. Args: own: the command's id."""
    if process.pid == own:
        return "the command"
    try:
        words, name = " ".join(process.cmdline()), process.name()
    except psutil.Error:
        return "worker"
    return _NODES.get(name) or next((known for part, known in _KNOWN.items() if part in words), "worker")


def orphans(found: Sequence[psutil.Process]) -> tuple[str, ...]:
    """Processes of a command that has ended which do not end too; they are ended."""
    names = {process: called(process) for process in found}
    _, alive = psutil.wait_procs(found, timeout=ORPHANS)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    return tuple(names[process] for process in alive)
