"""A large store for measurements of the dashboard: long trainings and a search, recorded as the library does.

What it holds is made up; how it is kept is MLflow's own way, through `wallpaper.tracking`. Only the trainings after
the first have their points copied within the database: two million through MLflow take a quarter of an hour.
"""

from __future__ import annotations

import math
import os
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from mlflow.entities import Metric
from tqdm import tqdm

from wallpaper import tracking

NAMES = (
    "train/loss", "train/reconstruction", "train/kl", "train/invariance",
    "val/loss", "val/psnr", "learning_rate", "seconds",
)  # fmt: skip
"""Of the eight metrics of each training."""

MOST_AT_ONCE = 1000
"""Points in one request: MLflow takes no more."""

TRIAL_EPOCHS = 10


def fill(database: Path, *, runs: int, steps: int, trials: int) -> None:
    """Record `runs` trainings of `steps` epochs, and a search of `trials` trials, in a new SQLite store."""
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{database}"
    first = ""
    for number in tqdm(range(runs), desc="trainings", unit="run"):
        with tracking.start(
            f"training {number:02d}", phase="train_vae", config={"epochs": steps, "seed": number}
        ) as run:
            if first:
                _copy(database, first, run.run_id)
                continue
            first, points = run.run_id, _points(steps)
            while batch := list(islice(points, MOST_AT_ONCE)):
                run.store.client.log_batch(run.run_id, metrics=batch)
    about = {"search.objectives": "psnr", "search.phase": "vae"}
    with tracking.start("search", phase="search", config={"trials": trials}, tags=about) as parent:
        for number in tqdm(range(trials), desc="search", unit="trial"):
            _trial(number, parent.run_id)


def _points(steps: int) -> Iterator[Metric]:
    chance, now = random.Random(0), int(1000 * time.time())
    for step in range(1, steps + 1):
        for place, name in enumerate(NAMES):
            value = (1 + place) * math.exp(-3 * step / steps) + 0.02 * chance.random()
            yield Metric(name, value, now + step, step)


def _copy(database: Path, source: str, target: str) -> None:
    """Give a run the metrics of another."""
    with closing(sqlite3.connect(database, timeout=60)) as connection, connection:
        for table in ("metrics", "latest_metrics"):
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] != "run_uuid"]
            listed = ", ".join(names)
            connection.execute(
                f"INSERT INTO {table} (run_uuid, {listed}) SELECT ?, {listed} FROM {table} WHERE run_uuid = ?",
                (target, source),
            )


def _trial(number: int, parent: str) -> None:
    chance = random.Random(number)
    config = {
        "epochs": TRIAL_EPOCHS, "learning_rate": 10 ** chance.uniform(-5, -2), "beta": 10 ** chance.uniform(-3, 0),
        "batch_size": chance.choice([16, 32, 64]), "augment": chance.random() < 0.5,
    }  # fmt: skip
    tags = {"search.trial": f"{number:03d}", **({"stopped_early": "true"} if number % 3 else {})}
    with tracking.start(f"trial {number:03d}", phase="train_vae", parent=parent, config=config, tags=tags) as run:
        best = 18 + 4 * chance.random()
        now = int(1000 * time.time())
        epochs = range(1, TRIAL_EPOCHS + 1)
        metrics = [Metric("objective", best - 3 / epoch, now, epoch) for epoch in epochs]
        metrics += [Metric("val/psnr", best - 3 / epoch, now, epoch) for epoch in epochs]
        run.store.client.log_batch(run.run_id, metrics=metrics)


def training() -> str:
    """The id of the newest long run in the store."""
    client = tracking.initialise().client
    experiments = [each.experiment_id for each in client.search_experiments()]
    (found,) = client.search_runs(experiments, "attributes.run_name LIKE 'training%'", max_results=1)
    return str(found.info.run_id)
