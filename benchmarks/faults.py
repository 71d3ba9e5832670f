"""A small project, from data to registry, whose processes are killed at random moments: what is lost by it.

The same commands run twice, once left alone and once with kill -9, started again until all have ended well; then the
two are compared: every metric point, every file, the model's weights. The moments depend on the seed and on the
machine's speed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

import click

from benchmarks import faults_checks as checks
from benchmarks.faults_run import Attempt, Command, Kill, Project, commands, draw
from benchmarks.measuring import FILE, Findings, begin, checked_file

SHOWN = 5
"""Of many that are wrong, so many are printed."""


@click.command()
@click.option("--times", type=click.IntRange(min=0), default=30, show_default=True, help="Processes that are killed.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of moments and of processes.")
@click.option("--per-group", type=click.IntRange(min=10), default=60, show_default=True, help="Patterns of each group.")
@click.option("--epochs", type=click.IntRange(min=2), default=30, show_default=True, help="Of both trainings.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="New folder to keep both projects in; else neither.",
)
@click.option("--json", "path", type=FILE, callback=checked_file, help="Also write the findings there.")
def main(times: int, seed: int, per_group: int, epochs: int, folder: Path | None, path: Path | None) -> None:
    """Kill the commands of a whole run at random moments, start them again, and see what is lost."""
    if folder is not None and folder.exists():
        raise click.BadParameter(f"{folder} is there already; name a new folder", param_hint="--folder")
    found = begin("python -m benchmarks.faults", "cpu", 1)
    with tempfile.TemporaryDirectory(prefix="wallpaper-faults-") as temporary:
        place = (folder or Path(temporary)).absolute()
        whole, killed = (Project(place / name) for name in ("whole", "killed"))
        steps = commands(per_group, epochs)
        try:
            spans = [_to_its_end(whole, step).work for step in steps]
            started = time.monotonic()
            kills, left = with_kills(killed, steps, spans, times, Random(seed))
        except RuntimeError as error:
            raise click.ClickException(str(error)) from error
        _show(found, kills, spans, steps, time.monotonic() - started)
        _judge(found, whole, killed, left)
    sys.exit(found.close(path))


def with_kills(
    project: Project, steps: Sequence[Command], spans: Sequence[float], times: int, random: Random
) -> tuple[list[Kill], list[str]]:
    """Run all commands to their ends with so many kills on the way; those, and processes that outlived their command.

    A command that ends before its kill hands it on to the next one; the last one is repeated for what remains.
    Raises: RuntimeError: a command that nobody killed fails.
    """
    shares = random.choices(range(len(steps)), weights=spans, k=times)
    kills: list[Kill] = []
    outlived: list[str] = []
    waiting = 0
    for number, (step, span) in enumerate(zip(steps, spans, strict=True)):
        waiting += shares.count(number)
        count, is_last = waiting, number == len(steps) - 1
        while True:
            attempt = project.attempt(step, draw(random, span, count if step.goes_on else 1)) if waiting else None
            attempt = attempt or _to_its_end(project, step)
            outlived += attempt.left
            if attempt.kill is not None:
                kills.append(attempt.kill)
                waiting -= 1
                click.echo(f"kill {len(kills)}: {attempt.kill}", err=True)
            _check(project, step, attempt)
            if attempt.code == 0 and not (is_last and waiting):
                break
    _to_its_end(project, Command(("sync",)))
    return kills, outlived


def _to_its_end(project: Project, step: Command) -> Attempt:
    attempt = project.attempt(step)
    _check(project, step, attempt)
    return attempt


def _check(project: Project, step: Command, attempt: Attempt) -> None:
    """Raises: RuntimeError: it failed, and nothing of it was killed."""
    if attempt.code and attempt.kill is None:
        said = project.said.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
        raise RuntimeError("\n".join([f"`wallpaper {step.name}` must end well, but ended with {attempt.code}:", *said]))


def _show(
    found: Findings, kills: Sequence[Kill], spans: Sequence[float], steps: Sequence[Command], seconds: float
) -> None:
    work = [{"command": step.name, "work (s)": span} for step, span in zip(steps, spans, strict=True)]
    found.table("Left alone", work, "From the first file that is written to the end; what goes before loads libraries.")
    rows = [
        {
            "kill": number,
            "command": kill.command,
            "at (s)": kill.seconds,
            "process": kill.process,
            "lost work (s)": kill.lost,
            "then": kill.then,
        }
        for number, kill in enumerate(kills, 1)
    ]
    if rows:
        found.table("Kills", rows, f"{len(rows)} kills in {seconds:.0f} s.")


def _judge(found: Findings, whole: Project, killed: Project, left: list[str]) -> None:
    """Compare the killed project with the one that was left alone."""
    points = checks.points(whole)
    found.predict(
        "the project was killed and ended", *_none(_differing(whole, killed), "same data, losses and weights")
    )
    found.predict("no metric point is lost", *_none(checks.lost(killed, points), f"{len(points)} points, all there"))
    found.predict("no metric point is doubled", *_none(checks.doubled(killed), "none"))
    found.predict("no run is left RUNNING", *_none(checks.running(killed), _states(killed)))
    found.predict("nothing is left unsent", *_none(checks.journals(killed), "no journal"))
    found.predict("every file is whole", *_none(checks.broken_files(killed), "all can be read"))
    found.predict("MLflow keeps the same files", *_none(checks.other_artifacts(killed), "byte for byte"))
    found.predict("registered versions answer", *_none(checks.silent_versions(killed), "as the library does"))
    found.predict("no process outlives its command", *_none(left, "none"))


def _differing(whole: Project, killed: Project) -> list[str]:
    one, other = checks.made(whole), checks.made(killed)
    return [f"{name}: {one[name]} alone, {other[name]} killed" for name in one if one[name] != other[name]]


def _states(project: Project) -> str:
    return ", ".join(f"{len(ids)} {state}" for state, ids in sorted(checks.runs(project).items()))


def _none(wrong: list[str], otherwise: str) -> tuple[bool, str]:
    """For `Findings.predict`: whether nothing is wrong, and the first few of what is."""
    more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
    return not wrong, "; ".join(wrong[:SHOWN]) + more if wrong else otherwise


if __name__ == "__main__":
    main()
