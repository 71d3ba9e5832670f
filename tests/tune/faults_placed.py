"""Trials that only wait for each other, placed by Ray: `python -m tests.tune.faults_placed FOLDER GPUS GPUS_PER_TRIAL`.

GPUs are counted only. Prints, as JSON, for each trial in the order of their beginning: the GPUs that it saw, and how
many trials ran at that moment, itself among them. There is one trial more than have room.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from ray import tune

from tune import driver
from tune.board import Board
from tune.phases import ODE
from tune.placement import Resources
from tune.space_data import build_space
from tune.study import Study
from tune.trial import RANK, Job
from wallpaper import tracking
from wallpaper.training.ode_config import OdeConfig

PATIENCE = 120.0
"""Seconds that a trial waits for the others."""


def wait(config: Mapping[str, Any], job: Job) -> None:
    """In place of a training: go on as soon as as many trials have begun as there is room for."""
    begun, running = job.folder / "begun", job.folder / "running"
    own = running / config["name"]
    own.touch()
    at_once = len(list(running.iterdir()))
    seen = {"began": time.time(), "gpus": os.environ.get("CUDA_VISIBLE_DEVICES"), "at once": at_once}
    (begun / config["name"]).write_text(json.dumps(seen))
    until, room = time.monotonic() + PATIENCE, int((job.folder / "room").read_text())
    while len(list(begun.iterdir())) < room and time.monotonic() < until:
        time.sleep(0.02)
    own.unlink()
    about = {"epoch": 1, "epochs": 1, "mlflow_run": "", "outcome": "finished", "reason": ""}
    tune.report({RANK: 1.0, "values": [1.0], "gpu": seen["gpus"], **about})


def place(folder: Path, resources: Resources) -> list[dict[str, Any]]:
    """What each trial saw."""
    room = resources.room(resources.here())
    for name in ("begun", "running"):
        (folder / name).mkdir(parents=True)
    (folder / "room").write_text(str(room))
    objectives, base = ODE.objectives[:1], OdeConfig(epochs=1)
    space = build_space({"learning_rate": {"low": 1e-4, "high": 1e-1, "log": True}}, ODE, base)
    study = Study(folder, "placed", space, objectives, sampler="random", seed=0)
    study.begin(room + 1, [])
    with tracking.start("search", phase="search") as run:
        job = Job("ode", base, objectives, folder, "placed", run.run_id, {}, folder / "data.h5", "")
        driver.work = wait  # type: ignore[attr-defined]
        plan = driver.Plan(resources, "none")
        driver.run_trials(job, study, plan, Board(ODE, objectives, room + 1), run, lambda: None)
    seen = [json.loads(file.read_text()) for file in (folder / "begun").iterdir()]
    return sorted(seen, key=lambda each: float(each["began"]))


if __name__ == "__main__":
    counted = Resources(gpus=int(sys.argv[2]), gpus_per_trial=float(sys.argv[3]), simulate_gpus=True)
    counted.check()
    found = place(Path(sys.argv[1]).absolute(), counted)
    click.echo(json.dumps(found))
