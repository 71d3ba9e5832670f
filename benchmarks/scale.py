"""What 64 GPUs and 10 000 trials ask for, against what was measured: tracking server, dataset, Ray's driver, proposals.

`python -m benchmarks.scale` measures on this machine, in five minutes; `--simulate` calculates from the figures below.

Predictions, written before the first run: four clients get at most 2.5 times the writes of one; PostgreSQL takes at
least 1.5 times what SQLite does, with four clients; a process reads patterns at least 10 times as fast as preset
laptop's training asks for on this CPU; two workers run at least 1.5 times the trials of one; a proposal of TPE after
10 000 trials takes at most 1 s. Exits 1 if one fails.
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import numpy as np
import optuna
from optuna.trial import create_trial

from benchmarks.measuring import FILE, Findings, begin, checked_file
from benchmarks.scale_demand import Ceilings, demands, plans
from benchmarks.scale_driver import driver
from benchmarks.scale_writes import by_database
from benchmarks.search_trainings import propose
from tune.samplers import build_sampler
from wallpaper.data import PatternStore, generate_dataset
from wallpaper.training.vae_config import VaeConfig
from wallpaper.training.vae_loop import fit_vae

MEASURED = Ceilings(sqlite=16.6, postgresql=24.0, read=332000000.0, trial=0.0443, proposal=0.699)
"""Of the run in docs/scale.md."""

MOST_OF_ONE, LEAST_OF_SQLITE, LEAST_HEADROOM, MOST_PROPOSAL = 2.5, 1.5, 10.0, 1.0
WRITING, READING = 8.0, 3.0
"""Seconds of each measurement."""

BATCH, PER_GROUP, SIDE = 64, 16, 64
HISTORIES = (100, 1_000, 10_000)
ASKS = 3


def tracking(found: Findings) -> dict[str, float]:
    """Epochs a second that MLflow's server records."""
    figures = by_database(WRITING)
    rows = [
        {"behind MLflow's server": name, **{f"{clients} clients, /s": rate for clients, rate in rates.items()},
         "4 over 1": rates[4] / rates[1]}
        for name, rates in figures.items()
    ]  # fmt: skip
    found.table("Epochs of 20 numbers recorded a second, two workers of the server", rows)
    for name, rates in figures.items():
        ratio = rates[4] / rates[1]
        found.predict(f"{name}: four clients at most {MOST_OF_ONE:g} times one", ratio <= MOST_OF_ONE, f"{ratio:.2f}")
    ratio = figures["PostgreSQL"][4] / figures["SQLite"][4]
    found.predict(f"PostgreSQL at least {LEAST_OF_SQLITE:g} times SQLite", ratio >= LEAST_OF_SQLITE, f"{ratio:.2f}")
    return {"sqlite": figures["SQLite"][4], "postgresql": figures["PostgreSQL"][4]}


def reading(found: Findings) -> float:
    """Bytes a second that a process gets of a dataset, and that a training asks for."""
    with TemporaryDirectory() as name:
        store = generate_dataset(Path(name) / "patterns.h5", PER_GROUP, side=SIDE)
        given, asked = _read(store), _asked(store, Path(name) / "vae")
    rows = [
        {"patterns of 64 x 64": "PatternStore.batch of 64, one process", "MB/s": given / 1e6},
        {"patterns of 64 x 64": "preset laptop asks for, on this CPU", "MB/s": asked / 1e6},
    ]
    found.table("Dataset, its pages in memory", rows)
    ratio = given / asked
    found.predict(f"reads at least {LEAST_HEADROOM:g} times as fast", ratio >= LEAST_HEADROOM, f"{ratio:.0f}")
    return given


def _read(store: PatternStore) -> float:
    random = np.random.default_rng(0)
    batches, started = 0, time.perf_counter()
    while time.perf_counter() - started < READING:
        store.batch(random.integers(len(store), size=BATCH))
        batches += 1
    return batches * BATCH * SIDE**2 * 3 / (time.perf_counter() - started)


def _asked(store: PatternStore, folder: Path) -> float:
    seconds: list[float] = []
    fit_vae(VaeConfig.preset("laptop", epochs=2), store, folder, report=lambda row: seconds.append(row["seconds"]))
    return len(store.splits["train"]) * SIDE**2 * 3 / min(seconds)


def proposing(found: Findings) -> float:
    """Seconds of a proposal of TPE after so many trials."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    source = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    random, known = np.random.default_rng(0), []
    for _ in range(max(HISTORIES)):
        asked = source.ask()
        propose(asked)
        known.append(create_trial(params=asked.params, distributions=asked.distributions, value=float(random.random())))
    rows = []
    for trials in HISTORIES:
        study = optuna.create_study()
        study.add_trials(known[:trials])
        taken = []
        for number in range(ASKS):
            started = time.perf_counter()
            study.sampler = build_sampler("tpe", 0, trials + number, max(HISTORIES))
            propose(study.ask())
            taken.append(time.perf_counter() - started)
        rows.append({"trials known": trials, "a proposal, s": statistics.median(taken)})
    found.table("A proposal of TPE, eight settings", rows, "the study in memory, as a search has it")
    last = float(rows[-1]["a proposal, s"])
    found.predict(f"at most {MOST_PROPOSAL:g} s after {max(HISTORIES)} trials", last <= MOST_PROPOSAL, f"{last:.2f} s")
    return last


def simulate(found: Findings, most: Ceilings) -> None:
    """What is asked against what was measured, for each plan."""
    for name, plan in plans().items():
        note = (
            f"{plan.gpus} GPUs, {plan.trials} trials, {plan.epochs_a_trial:.1f} of {plan.epochs} epochs each under "
            f"ASHA, {plan.epoch_seconds:g} s an epoch: {plan.hours:.1f} hours"
        )
        found.table(f"Asked and measured: {name}", demands(plan, most), note)


@click.command()
@click.option("--simulate", "only", is_flag=True, help="Measure nothing: calculate from the figures in docs/scale.md.")
@click.option("--json", "path", type=FILE, callback=checked_file, help="Also write all figures here.")
def main(only: bool, path: Path | None) -> None:
    """What many GPUs and trials ask of the tracking server, the dataset and the driver, against what they take.

    Five minutes on two cores; PostgreSQL must be installed. Exit code 1: a prediction of the docstring failed.
    """
    found = begin("python -m benchmarks.scale", "cpu", 1)
    most = MEASURED
    if not only:
        last = proposing(found)
        read = reading(found)
        trial = driver(found)
        most = Ceilings(**tracking(found), read=read, trial=trial, proposal=last)
        click.echo(f"\n{most}")
    simulate(found, most)
    found.about["ceilings"] = asdict(most)
    sys.exit(found.close(path))


if __name__ == "__main__":
    main()
