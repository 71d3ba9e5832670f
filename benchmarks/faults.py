"""A small project, from data to dashboard, whose processes are killed at random moments: what is lost by it.

The same commands run twice, each time against a tracking server of their own: once left alone and once with kill -9,
started again until all have ended well. Then the two are compared: every metric point, trial and file, the weights, the
answers of the model's server. Seven kinds of process are killed: a trainer, a trial, a node of Ray, a search's driver,
the tracking server, a scoring worker, the dashboard. The moments depend on the seed and on the machine's speed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

import click

from benchmarks import faults_checks as checks
from benchmarks import faults_search as searches
from benchmarks.faults_kills import Told, alone, with_kills
from benchmarks.faults_run import Kill, Project, commands
from benchmarks.faults_victims import draw_kinds
from benchmarks.measuring import FILE, Findings, begin, checked_file

SHOWN = 5
"""Of many that are wrong, so many are printed."""


@click.command()
@click.option("--times", type=click.IntRange(min=0), default=30, show_default=True, help="Processes that are killed.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of moments and of processes.")
@click.option("--per-group", type=click.IntRange(min=10), default=60, show_default=True, help="Patterns of each group.")
@click.option("--epochs", type=click.IntRange(min=2), default=30, show_default=True, help="Of both trainings.")
@click.option(
    "--trials", type=click.IntRange(min=2), default=4, show_default=True, help="Of both phases of the search."
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="New folder to keep both projects in; else neither.",
)
@click.option("--json", "path", type=FILE, callback=checked_file, help="Also write the findings there.")
def main(
    times: int, seed: int, per_group: int, epochs: int, trials: int, folder: Path | None, path: Path | None
) -> None:
    """Kill the processes of a whole project at random moments, start them again, and see what is lost."""
    if folder is not None and folder.exists():
        raise click.BadParameter(f"{folder} is there already; name a new folder", param_hint="--folder")
    found = begin("python -m benchmarks.faults", "cpu", 1)
    with tempfile.TemporaryDirectory(prefix="wallpaper-faults-") as temporary:
        place = (folder or Path(temporary)).absolute()
        whole, killed = (Project(place / name) for name in ("whole", "killed"))
        steps, random = commands(per_group, epochs, trials), Random(seed)
        try:
            with whole.recording():
                left_alone = alone(whole, steps)
            with killed.recording():
                started = time.monotonic()
                told = with_kills(killed, steps, left_alone, draw_kinds(times, random), random)
                _show(found, told, left_alone, time.monotonic() - started)
                _judge(found, whole, killed, told)
                _judge_searches(found, whole, killed, told)
                _judge_servers(found, left_alone, told)
        except RuntimeError as error:
            raise click.ClickException(str(error)) from error
    sys.exit(found.close(path))


def _show(found: Findings, told: Told, left_alone: Told, seconds: float) -> None:
    work = [{"command": name, "work (s)": span} for name, span in left_alone.spans.items()]
    found.table("Left alone", work, "From the first file of its work to the end; what goes before loads libraries.")
    if not told.kills:
        return
    rows = [
        {
            "kill": number,
            "kind": kill.kind,
            "command": kill.command,
            "at (s)": kill.seconds,
            "process": kill.process,
            "lost work (s)": kill.lost,
            "then": kill.then,
        }
        for number, kill in enumerate(told.kills, 1)
    ]
    found.table("Kills", rows, f"{len(rows)} kills in {seconds:.0f} s.")
    found.table("By kind", _by_kind(told.kills))


def _by_kind(kills: Sequence[Kill]) -> list[dict[str, object]]:
    counts = Counter(kill.kind for kill in kills)
    commands = {kind: Counter(kill.command for kill in kills if kill.kind == kind) for kind in counts}
    return [
        {"kind": kind, "kills": count, "in": ", ".join(f"{name} {number}" for name, number in commands[kind].items())}
        for kind, count in counts.most_common()
    ]


def _judge(found: Findings, whole: Project, killed: Project, told: Told) -> None:
    """Compare the killed project with the one that was left alone."""
    points = checks.points(whole)
    found.predict(
        "the project was killed and ended", *_none(_differing(whole, killed), "same data, losses and weights")
    )
    found.predict("no metric point is lost", *_none(checks.lost(killed, points), f"{len(points)} points, all there"))
    found.predict("no metric point is doubled", *_none(checks.doubled(killed), "none"))
    found.predict("no run is left RUNNING", *_none(checks.running(killed), _states(killed)))
    found.predict("no run that ended well says of an error", *_none(checks.complaints(killed), "none"))
    found.predict("nothing is left unsent", *_none(checks.journals(killed), "no journal"))
    found.predict("every file is whole", *_none(checks.broken_files(killed), "all can be read"))
    found.predict("MLflow keeps the same files", *_none(checks.other_artifacts(killed), "byte for byte"))
    found.predict("registered versions answer", *_none(checks.silent_versions(killed), "as the library does"))
    found.predict("no process outlives its command", *_none(told.left, "none"))
    found.predict("who loses the tracking server says so in a sentence", *_none(told.tracebacks, "no traceback"))


def _judge_searches(found: Findings, whole: Project, killed: Project, told: Told) -> None:
    """Compare what Optuna and MLflow know of the trials, before each kill and in the end."""
    before = [kill.trials for kill in told.kills]
    known = len({name for trials in before for name in trials})
    count = len(searches.finished(killed.folder))
    found.predict(
        "no finished trial is lost",
        *_none(searches.lost(killed.folder, before), f"{known} finished before a kill, the same values in the end"),
    )
    found.predict("no finished trial is doubled", *_none(searches.doubled(killed.folder), f"{count}, each once"))
    found.predict("there are as many trials as asked for", *_none(searches.uncounted(killed.folder), "all finished"))
    found.predict(
        "Optuna's study and MLflow's runs agree", *_none(searches.disagreeing(killed.folder), "values, runs and states")
    )
    expected, own = searches.values(whole.folder), searches.values(killed.folder)
    wrong = [f"{name}: {expected.get(name)} alone, {own.get(name)} killed" for name in sorted({*expected, *own})
             if expected.get(name) != own.get(name)]  # fmt: skip
    found.predict("trials come to what they do without kills", *_none(wrong, f"{len(expected)} values"))


def _judge_servers(found: Findings, left_alone: Told, told: Told) -> None:
    other = [] if told.scored.shown == left_alone.scored.shown else ["the two projects' servers answer otherwise"]
    found.predict(
        "a server whose workers are killed answers the same bytes", *_none(other + told.scored.wrong, "all answers")
    )
    named = len(told.shown.shown.split())
    found.predict(
        "a dashboard that is killed shows the same again", *_none(told.shown.wrong, f"{named} runs, /healthz is well")
    )


def _differing(whole: Project, killed: Project) -> list[str]:
    one, other = checks.made(whole), checks.made(killed)
    return [f"{name}: {one[name]} alone, {other[name]} killed" for name in one if one[name] != other[name]]


def _states(project: Project) -> str:
    return ", ".join(f"{len(ids)} {state}" for state, ids in sorted(checks.runs(project).items()))


def _none(wrong: Sequence[str], otherwise: str) -> tuple[bool, str]:
    """For `Findings.predict`: whether nothing is wrong, and the first few of what is."""
    more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
    return not wrong, "; ".join(wrong[:SHOWN]) + more if wrong else otherwise


if __name__ == "__main__":
    main()
