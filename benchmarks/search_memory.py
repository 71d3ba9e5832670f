"""What a worker of a search holds for itself: private memory beyond torch's, of several on one dataset.

`python -m benchmarks.search_memory`, or with `--data FILE` on one's own. Runs a search of the VAE's phase, as many
trials at a time as there shall be workers, and looks at their processes ten times a second until they end.

Private is what only this process can have: pages of the mapped dataset are the page cache's, whoever has read them, and
would count as private while no other worker happens to have the same ones mapped.

Prediction: below 500 MB each beyond torch, whatever the size of the dataset, as its pages are shared. Exits 1 if not.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import psutil

from benchmarks.measuring import FILE, begin, checked_file
from tune.phases import PRESETS
from tune.trial import TRIALS, WORKER
from wallpaper.data import generate_dataset

MOST_MB = 500.0
"""Of a worker, beyond torch."""

ROOT = Path(__file__).resolve().parents[1]

_SECONDS_BETWEEN = 0.1

_TORCH_ALONE = "import torch; print(open('/proc/self/smaps_rollup').read())"


def torch_mb() -> float:
    """Private memory, in MB, of a process that has loaded torch and nothing else of weight."""
    done = subprocess.run([sys.executable, "-c", _TORCH_ALONE], capture_output=True, text=True, check=True)
    return anonymous_mb(done.stdout)


def anonymous_mb(rollup: str) -> float:
    """MB of no file, of Linux's account of a process's memory (`/proc/PID/smaps_rollup`)."""
    (line,) = [line for line in rollup.splitlines() if line.startswith("Anonymous:")]
    return int(line.split()[1]) * 1024 / 1e6


def workers_mb(data: Path, folder: Path, *, workers: int, preset: str, epochs: int) -> dict[int, tuple[float, float]]:
    """Most private and most resident memory, in MB, of each worker process of a search.

    Raises: RuntimeError: the search failed.
    """
    command = [sys.executable, str(ROOT / "tune" / "search.py"), "--phase", "vae", "--scheduler", "none", "--name", "m"]
    command += [
        "--data",
        str(data.absolute()),
        "--preset",
        preset,
        "--storage-path",
        str(folder),
        "--epochs",
        str(epochs),
    ]
    command += ["--trials", str(workers), "--concurrent", str(workers)]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}"}
    most: dict[int, tuple[float, float]] = {}
    with (folder / "said.txt").open("w+") as said:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said)
        try:
            while process.poll() is None:
                for worker in _workers(folder / "m" / "vae" / TRIALS):
                    _look(worker, most)
                time.sleep(_SECONDS_BETWEEN)
        finally:
            process.terminate()
            process.wait()
        if process.returncode:
            said.seek(0)
            raise RuntimeError(f"the search must end well, but: {said.read()[-1000:]}")
    return most


def _workers(trials: Path) -> list[int]:
    found = []
    for file in trials.glob(f"*/{WORKER}"):
        try:
            found.append(int(file.read_text(encoding="utf-8").split()[1]))
        except (OSError, IndexError):  # it has just ended
            continue
    return found


def _look(worker: int, most: dict[int, tuple[float, float]]) -> None:
    try:
        own = anonymous_mb(Path(f"/proc/{worker}/smaps_rollup").read_text(encoding="ascii"))
        all_of_it = psutil.Process(worker).memory_info().rss / 1e6
    except (psutil.Error, OSError, ValueError):  # it has just ended
        return
    private, resident = most.get(worker, (0.0, 0.0))
    most[worker] = max(private, own), max(resident, all_of_it)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--data", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Default: a new small one.")
@click.option("--per-group", type=click.IntRange(14), default=64, show_default=True, help="Patterns of the new one.")
@click.option("--side", type=click.IntRange(16), default=32, show_default=True, help="Pixels of its patterns' side.")
@click.option("--preset", type=click.Choice(PRESETS), default="smoke", show_default=True)
@click.option("--epochs", type=click.IntRange(1), default=2, show_default=True)
@click.option("--workers", type=click.IntRange(1), default=4, show_default=True)
@click.option("--json", "path", type=FILE, callback=checked_file, help="Keep the figures in this file.")
def main(
    data: Path | None, per_group: int, side: int, preset: str, epochs: int, workers: int, path: Path | None
) -> None:
    """Private memory of a search's workers."""
    findings = begin("search_memory", "cpu", 1)
    alone = torch_mb()
    with TemporaryDirectory() as name:
        folder = Path(name)
        if data is None:
            data = folder / "patterns.h5"
            generate_dataset(data, per_group, side=side)
        size = data.stat().st_size / 1e6
        most = workers_mb(data, folder, workers=workers, preset=preset, epochs=epochs)
    rows = [
        {"worker": str(number), "private MB": private, "beyond torch MB": private - alone, "resident MB": resident}
        for number, (private, resident) in enumerate(most.values(), 1)
    ]
    findings.table(f"Most memory of workers on {size:.0f} MB", rows, f"torch alone has {alone:.0f} MB for itself")
    worst = max(private for private, _ in most.values()) - alone
    holds = worst < MOST_MB and len(most) == workers
    findings.predict(f"{workers} workers, each below {MOST_MB:.0f} MB beyond torch", holds, f"{worst:.0f} MB at most")
    sys.exit(findings.close(path))


if __name__ == "__main__":
    main()
