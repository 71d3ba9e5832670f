"""How soon the commands answer: importing the library, and every command's help.

`python -m benchmarks.starting`. CPU seconds of processes of their own, the median of some, in turns. Predictions,
written before the first run, on two cores: `import wallpaper` takes at most 0.3 s, `wallpaper --help` and the help of
each command at most 0.5 s (false for `identify`, which loads SciPy, and for `search`, which asks another program).
Exits 1 if one fails.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
from pathlib import Path

import click

from benchmarks.measuring import FILE, begin, checked_file
from wallpaper.cli import COMMANDS

IMPORT_S, HELP_S = 0.3, 0.5


def cpu_seconds(*words: str) -> float:
    """Of `python WORDS`. Raises: subprocess.CalledProcessError: it failed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def medians(programs: dict[str, tuple[str, ...]], repeats: int) -> dict[str, float]:
    """Seconds of each program; they take turns, after one that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in programs}
    for turn in range(repeats + 1):
        for name, words in programs.items():
            spent = cpu_seconds(*words)
            if turn:
                times[name].append(spent)
    return {name: statistics.median(taken) for name, taken in times.items()}


@click.command()
@click.option("--repeats", type=click.IntRange(1), default=5, show_default=True, help="Processes of each kind.")
@click.option("--json", "json_file", type=FILE, callback=checked_file, help="Also write all figures here.")
def main(repeats: int, json_file: Path | None) -> None:
    """Measure how soon the commands begin."""
    found = begin("starting", "cpu", 1)
    light = {"import wallpaper": ("-c", "import wallpaper"), "wallpaper --help": ("-m", "wallpaper", "--help")}
    light |= {f"wallpaper {name} --help": ("-m", "wallpaper", name, "--help") for name in COMMANDS}
    shown = medians(light, repeats)
    found.table("CPU seconds", [{"program": name, "s": seconds} for name, seconds in shown.items()])
    imported = shown.pop("import wallpaper")
    found.predict(f"import wallpaper: at most {IMPORT_S:g} s", imported <= IMPORT_S, f"{imported:.2f}")
    slowest = max(shown, key=shown.__getitem__)
    found.predict(f"all help: at most {HELP_S:g} s", shown[slowest] <= HELP_S, f"{slowest}: {shown[slowest]:.2f}")
    sys.exit(found.close(json_file))


if __name__ == "__main__":
    main()
