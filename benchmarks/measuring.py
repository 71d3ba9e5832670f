"""What the training benchmarks share: times in turn, peak memory of a fresh process, tables, predictions, JSON.

Times on a CPU are CPU milliseconds of this process, which other programs hardly disturb; on a GPU they are
milliseconds by the clock, the device waited for. The jobs of a comparison take turns within one process.
"""

from __future__ import annotations

import json
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeAlias

import click
import torch

Row: TypeAlias = Mapping[str, Any]
"""One line of a table: text, a number or None by the column's name."""
Job: TypeAlias = Callable[[], object]

TURN_MS = 100.0
"""A job that is faster is repeated within its turn, so that quick jobs are measured as well as slow ones."""
MOST_IN_TURN = 100

FILE = click.Path(path_type=Path, dir_okay=False)
"""Type of a click option for a new file."""


def now(device: str) -> float:
    """Seconds on the clock that counts for `device`."""
    if device == "cuda":
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def milliseconds(job: Job, device: str) -> float:
    """Time of one call."""
    started = now(device)
    job()
    return 1e3 * (now(device) - started)


def median_ms(jobs: Mapping[str, Job], *, repeats: int, device: str = "cpu") -> dict[str, float]:
    """Median milliseconds of each job, after one call that is not counted; the jobs take turns."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for job in jobs.values():
        job()
    for _ in range(repeats):
        for name, job in jobs.items():
            spent: list[float] = []
            while not spent or (sum(spent) < TURN_MS and len(spent) < MOST_IN_TURN):
                spent.append(milliseconds(job, device))
            times[name] += spent
    return {name: statistics.median(taken) for name, taken in times.items()}


def peak_mb(job: Callable[[], Job], device: str = "cpu") -> float:
    """Most memory, in MB, that two calls of `job()` add in a process of their own; on a GPU what torch allocates there.

    Args:
        job: can be pickled; builds what is measured.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_peak_here, job, device, torch.get_num_threads()).result()


def _peak_here(job: Callable[[], Job], device: str, threads: int) -> float:
    torch.set_num_threads(threads)
    before = _highest_mb()
    run = job()
    for _ in range(2):
        run()
    return torch.cuda.max_memory_allocated() / 1e6 if device == "cuda" else _highest_mb() - before


def _highest_mb() -> float:
    """Peak resident memory of this process. Linux's own record starts anew with a program, getrusage's does not."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


@dataclass
class Findings:
    """Tables and predictions, printed as they come and kept for the JSON file."""

    about: dict[str, Any]
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    predictions: list[dict[str, Any]] = field(default_factory=list)

    def table(self, title: str, rows: Sequence[Row], note: str = "") -> None:
        """Print and keep rows that all have the same columns; None is printed as a dash."""
        self.tables[title] = [dict(row) for row in rows]
        columns = [[name, *(_text(row[name]) for row in rows)] for name in rows[0]]
        widths = [max(map(len, column)) for column in columns]
        click.echo(f"\n{title}")
        for line in zip(*columns, strict=True):
            first, *others = [cell.ljust(width) if not k else cell.rjust(width)
                              for k, (cell, width) in enumerate(zip(line, widths, strict=True))]  # fmt: skip
            click.echo("  ".join([first, *others]).rstrip())
        if note:
            click.echo(note)

    def predict(self, text: str, holds: bool, measured: str) -> None:
        """Keep whether a prediction holds."""
        self.predictions.append({"prediction": text, "holds": holds, "measured": measured})

    def close(self, path: Path | None) -> int:
        """Print the predictions, write the JSON file if there is to be one; returns the exit code."""
        click.echo("\nPredictions" if self.predictions else "\nNo predictions in these sections")
        for row in self.predictions:
            click.echo(f"{'holds' if row['holds'] else 'FAILS':<7}{row['prediction']}; measured {row['measured']}")
        if path is not None:
            content = {**self.about, "tables": self.tables, "predictions": self.predictions}
            path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        return int(not all(row["holds"] for row in self.predictions))


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
    return str(value)


def machine(device: str) -> dict[str, Any]:
    """What the figures were measured on."""
    name = torch.cuda.get_device_name() if device == "cuda" else _processor()
    threads = torch.get_num_threads()
    return {"device": device, "processor": name, "threads": threads, "torch": torch.__version__}


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def checked_device(_context: click.Context, _parameter: click.Parameter, device: str) -> str:
    """A click callback. Raises: click.BadParameter: no GPU that torch can use."""
    if device == "cuda" and not torch.cuda.is_available():
        raise click.BadParameter("torch finds no CUDA device here; leave the option out to measure on the CPU")
    return device


def checked_file(_context: click.Context, _parameter: click.Parameter, path: Path | None) -> Path | None:
    """A click callback: minutes of measuring must not end in a file that cannot be written. Raises: BadParameter."""
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.open("a").close()
        except OSError as error:
            raise click.BadParameter(f"{path} cannot be written ({error.strerror}); choose another place") from error
    return path


def begin(command: str, device: str, threads: int) -> Findings:
    """Set the threads, say where this runs."""
    torch.set_num_threads(threads)
    about = {"command": command, **machine(device)}
    click.echo(f"{about['processor']}, {device}, {threads} thread(s), torch {about['torch']}")
    return Findings(about)
