"""One project from its first command to its last server, with kills on the way or without.

Which kill falls to which command is drawn here. Knows nothing about what must be left in the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import click

from benchmarks import faults_checks as checks
from benchmarks.faults_probes import Probed, score, show
from benchmarks.faults_run import Attempt, Command, Kill, Project
from benchmarks.faults_victims import DASHBOARD, SCORER, SERVER, Plan, draw

SERVING_SECONDS = 5.0
"""Between two kills of a server's processes, at most twice as long."""


@dataclass
class Told:
    """What happened to a project."""

    kills: list[Kill] = field(default_factory=list)
    spans: dict[str, float] = field(default_factory=dict)
    """Seconds of work of each command that was left alone."""
    left: list[str] = field(default_factory=list)
    """Processes that outlived their command."""
    tracebacks: list[str] = field(default_factory=list)
    """Of commands, none of whose own processes was killed."""
    scored: Probed = field(default_factory=Probed)
    shown: Probed = field(default_factory=Probed)

    def add(self, kill: Kill) -> None:
        """One more kill, which is said."""
        self.kills.append(kill)
        click.echo(
            f"kill {len(self.kills)}: {kill.kind} in {kill.command} after {kill.seconds:.1f} s, {kill.process}: "
            f"{kill.then}", err=True
        )  # fmt: skip


def alone(project: Project, steps: Sequence[Command]) -> Told:
    """Run all commands and servers, and kill nothing. Raises: RuntimeError: one fails."""
    told = Told()
    for step in steps:
        told.spans[step.name] = _attempt(project, step, told).work
    _serve(project, told, [], Random(0))
    return told


def with_kills(project: Project, steps: Sequence[Command], told: Told, kinds: Sequence[str], random: Random) -> Told:
    """Run all commands to their ends, and the servers, with a kill of each of `kinds` on the way.

    Args: told: of a project that was left alone: how long its commands take.
    Raises: RuntimeError: a command that nobody killed fails.
    """
    found = Told()
    shared = _shares(steps, told, [kind for kind in kinds if kind not in (SCORER, DASHBOARD)], random)
    for number, step in enumerate(steps):
        waiting = _killed(project, step, draw(shared[number], told.spans[step.name], random), found)
        while waiting:  # its work was over before: another time, of the same kind of work or the same again
            later = [place for place in range(number + 1, len(steps)) if waiting[0] in steps[place].kinds]
            if later:
                shared[later[0]].append(waiting.pop(0))
            else:
                waiting = _killed(project, step, draw(waiting, told.spans[step.name], random), found)
    _serve(project, found, kinds, random)
    unsent = checks.journals(
        project
    )  # named: those of runs without a folder lie in the checkout, among others' perhaps
    _attempt(project, Command(("sync", *unsent)), found)
    return found


def _shares(steps: Sequence[Command], told: Told, kinds: Sequence[str], random: Random) -> list[list[str]]:
    """The kills of each command: by how long it works, among those that have a process of the kind."""
    shares: list[list[str]] = [[] for _ in steps]
    for kind in kinds:
        weights = [told.spans[step.name] if kind in step.kinds else 0.0 for step in steps]
        shares[random.choices(range(len(steps)), weights)[0]].append(kind)
    return shares


def _killed(project: Project, step: Command, plans: Sequence[Plan], found: Told) -> list[str]:
    """Run a command to its end with these kills; the kinds of those that it was over before."""
    left = list(plans)
    while True:
        attempt = _attempt(project, step, found, left[0] if left else None)
        if attempt.kill is not None:
            del left[0]
            found.add(attempt.kill)
        if attempt.code == 0:
            return [plan.kind for plan in left]


def _attempt(project: Project, step: Command, found: Told, plan: Plan | None = None) -> Attempt:
    """Raises: RuntimeError: it failed, and nothing was killed."""
    attempt = project.attempt(step, plan)
    found.left += [f"{name} of {step.name}" for name in attempt.left]
    if attempt.code and attempt.kill is None:
        said = attempt.said.splitlines()[-15:]
        raise RuntimeError("\n".join([f"`wallpaper {step.name}` must end well, but ended with {attempt.code}:", *said]))
    if "Traceback" in attempt.said and (attempt.kill is None or attempt.kill.kind == SERVER):
        found.tracebacks.append(f"{step.name}: {attempt.said.splitlines()[-1]}")
    return attempt


def _serve(project: Project, found: Told, kinds: Sequence[str], random: Random) -> None:
    """The two servers that a project ends with."""
    for kind, probe in ((SCORER, score), (DASHBOARD, show)):
        own = [each for each in kinds if each == kind]
        probed = probe(project, draw(own, SERVING_SECONDS * len(own), random))
        for kill in probed.kills:
            found.add(kill)
        found.left += [f"{name} of the {kind}" for name in probed.left]
        if kind == SCORER:
            found.scored = probed
        else:
            found.shown = probed
