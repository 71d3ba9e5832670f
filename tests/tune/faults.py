"""Searches in processes of their own that are killed at chosen moments, and what is left of them to compare."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run

from tests.tune.conftest import ROOT, Ground
from tune.study import DATABASE, load_database
from tune.trial import TRIALS
from wallpaper.training.checkpoint import BEST, load_checkpoint, weights_digest
from wallpaper.training.report import HISTORY, read_history

NAME = "small"
"""Of every search here: each has a folder and a store of its own, so that what is left of two can be compared."""

PATIENCE = 540.0
"""Seconds that a search may take on a busy machine."""

RATES = "{learning_rate: {low: 1e-4, high: 1e-2, log: true}}"
SPACE = f"vae: {RATES}\node: {RATES}"

TIMES = ("seconds", "per_second", "system/")
"""In names of metrics that no two runs have in common."""


@dataclass
class Search:
    """A search in an empty folder; all that it writes is below it."""

    folder: Path
    ground: Ground
    options: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    """What its processes have beside the ground's."""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "space.yaml").write_text(SPACE)
        shutil.copy(self.ground.tables, self.folder / "mlflow.db")

    def start(self) -> subprocess.Popen[bytes]:
        """Begin it, or go on with it."""
        script = [sys.executable, str(ROOT / "tune" / "search.py"), "--storage-path", "searches"]
        if (self.place / "search.json").is_file():
            command = [*script, "--resume", NAME]
        else:
            given = ["--data", str(self.ground.data), "--preset", "smoke", "--space", "space.yaml", "--name", NAME]
            command = [*script, *given, *self.options]
        store = {"MLFLOW_TRACKING_URI": f"sqlite:///{self.folder / 'mlflow.db'}"}
        environment = {**self.ground.environment, **store, **self.environment}
        with (self.folder / "said.txt").open("ab") as said:
            process = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=said, stderr=said)
        self.processes.append(process)
        return process

    def end(self) -> None:
        """Begin it, or go on with it, to its end."""
        assert self.start().wait(PATIENCE) == 0, self.said
        assert "Traceback" not in self.said

    def kill_when(self, reached: Callable[[], bool]) -> None:
        """Begin it, or go on with it, and kill -9 the driver as soon as `reached`."""
        process, until = self.start(), time.monotonic() + PATIENCE
        while not reached():
            assert process.poll() is None, f"it ended before the moment came: {self.said}"
            assert time.monotonic() < until, self.said
            time.sleep(0.005)
        process.kill()
        assert process.wait() == -9, "it had ended by itself"

    def clear(self) -> None:
        """Whatever the test found, leave nothing running."""
        for process in self.processes:
            process.kill()
            process.wait()

    @property
    def place(self) -> Path:
        """The search's own folder."""
        return self.folder / "searches" / NAME

    @property
    def said(self) -> str:
        """All that its processes printed."""
        return (self.folder / "said.txt").read_text(errors="replace")

    def epochs(self, phase: str, trial: str = "*") -> int:
        """Epochs that are over, of one trial or of all."""
        return sum(len(read_history(file.parent)) for file in self.place.glob(f"{phase}/{TRIALS}/{trial}/{HISTORY}"))

    def told(self, phase: str) -> dict[str, Any]:
        """Trials that have ended, with everything that the study knows of them."""
        try:
            trials = load_database(self.place / phase / DATABASE).trials
        except (FileNotFoundError, ValueError):  # the latter: it is being made
            return {}
        return {trial.user_attrs["name"]: (trial.params, trial.values, trial.user_attrs) for trial in trials}

    @property
    def client(self) -> MlflowClient:
        """Of its store."""
        return MlflowClient(f"sqlite:///{self.folder / 'mlflow.db'}")

    def runs(self) -> list[Run]:
        """All of its store."""
        return self.client.search_runs([experiment.experiment_id for experiment in self.client.search_experiments()])

    def trial_runs(self) -> dict[str, Run]:
        """Those of trials, by name."""
        found = [run for run in self.runs() if "search.trial" in run.data.tags]
        named = {str(run.info.run_name): run for run in found}
        assert len(named) == len(found), f"a trial has two runs: {sorted(str(run.info.run_name) for run in found)}"
        return named

    def steps(self, run: Run, metric: str) -> list[int]:
        """Of all points of a metric, in the order of the steps."""
        return sorted(point.step for point in self.client.get_metric_history(run.info.run_id, metric))

    def state(self) -> dict[str, Any]:
        """What must not depend on when, and how often, it was interrupted."""
        found: dict[str, Any] = {"status": sorted((run.info.run_name, run.info.status) for run in self.runs())}
        for name, run in self.trial_runs().items():
            metrics = [metric for metric in run.data.metrics if not any(part in metric for part in TIMES)]
            points = {metric: self.client.get_metric_history(run.info.run_id, metric) for metric in metrics}
            found[f"run {name}"] = {
                metric: sorted((point.step, point.value) for point in own) for metric, own in points.items()
            }
            found[f"settings {name}"] = dict(run.data.params)
        for folder in sorted(self.place.glob(f"*/{TRIALS}/*")):
            weights = load_checkpoint(folder, BEST).weights
            found[f"weights {folder.relative_to(self.place)}"] = weights_digest(weights)
        for phase in ("vae", "ode"):
            for name, (settings, values, about) in self.told(phase).items():
                found[f"study {phase} {name}"] = settings, values, about["outcome"], about["epoch"]
        for file in sorted(self.place.glob("*/best.json")):
            best = json.loads(file.read_text())
            found[str(file.relative_to(self.place))] = {
                name: best[name] for name in ("trial", "settings", "objectives")
            }
        return found


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Readable: what is not the same."""
    names = sorted({*one, *other})
    return [f"{name}: {one.get(name)} != {other.get(name)}" for name in names if one.get(name) != other.get(name)]
