"""What must be true of a project whose commands were killed, beside one whose commands were not.

Reads the tables of MLflow's database themselves, so that a doubled point would be seen, and every file there is. What
is true of searches is in `faults_search`.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from PIL import Image

from benchmarks.faults_run import DATA, ROOT, Project
from benchmarks.faults_servers import artifacts
from serving.trial import try_version
from wallpaper.cli.places import NAME
from wallpaper.data import PatternStore
from wallpaper.evaluation import weights_of
from wallpaper.journal import find, read
from wallpaper.models.transition_model import TransitionModel
from wallpaper.training.checkpoint import load_checkpoint
from wallpaper.training.report import read_history

Points: TypeAlias = dict[tuple[str, str, int], float]
"""Value of each metric by phase, name and step."""

_STATES = """
SELECT CASE WHEN s.value IS NULL THEN t.value ELSE 'trial' END || ' ' || r.status, r.run_uuid
FROM runs r JOIN tags t USING (run_uuid) LEFT JOIN tags s ON s.run_uuid = r.run_uuid AND s.key = 'search.trial'
WHERE t.key = 'phase' ORDER BY r.end_time
"""

_OF_TRIALS = """
SELECT r.name, m.key, m.step, m.value FROM metrics m JOIN runs r USING (run_uuid)
JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = 'search.trial'
"""

TRAININGS = ("vae", "ode")

TIMES = ("seconds", "per_second")
"""In names of metrics that no two runs have in common."""


def runs(project: Project) -> dict[str, list[str]]:
    """Ids of all runs of the store by "phase status", the phase of a search's trials being "trial"."""
    found: dict[str, list[str]] = {}
    for state, run in _rows(project, _STATES):
        found.setdefault(state, []).append(run)
    return found


def points(project: Project) -> Points:
    """All metrics of the finished trainings, trials and the last evaluation, but for what pictures measure."""
    found: Points = {}
    for phase in ("train_vae", "train_ode", "evaluate"):
        names = _named(project, phase)
        run = runs(project).get(f"{phase} FINISHED", [""])[-1]
        for name, step, value in _rows(project, "SELECT key, step, value FROM metrics WHERE run_uuid = ?", run):
            if names is None or name in names:
                found[phase, name, step] = value
    for trial, name, step, value in _rows(project, _OF_TRIALS):
        found[trial.partition("-")[2], name, step] = value  # searches here are alike but for their names
    return found


def lost(project: Project, whole: Points) -> list[str]:
    """Points that are missing, or are not what they are without kills, but for times."""
    own = points(project)
    gone = [f"{key} is missing" for key in whole.keys() - own.keys()]
    gone += [f"{key} should not be" for key in own.keys() - whole.keys()]
    same = [key for key in whole.keys() & own.keys() if not any(part in key[1] for part in TIMES)]
    return gone + [f"{key} is {own[key]}, not {whole[key]}" for key in same if own[key] != whole[key]]


def doubled(project: Project) -> list[str]:
    """Points of any run that the store has more than once."""
    asked = "SELECT run_uuid, key, step, count(*) FROM metrics GROUP BY run_uuid, key, step HAVING count(*) > 1"
    return [f"{key} at step {step} of run {run} {count} times" for run, key, step, count in _rows(project, asked)]


def running(project: Project) -> list[str]:
    """Runs that the store takes for alive."""
    return [run for (run,) in _rows(project, "SELECT run_uuid FROM runs WHERE status = 'RUNNING'")]


def journals(project: Project) -> list[str]:
    """What is unsent, also where runs keep it that have no folder."""
    folders = [folder / "output" for folder in (project.folder, ROOT)]
    return [str(path) for path in find(folders) if read(path)[0].uri == project.server.address]


def complaints(project: Project) -> list[str]:
    """Runs that have ended well, and yet say of an error."""
    asked = (
        "SELECT run_uuid, t.value FROM runs JOIN tags t USING (run_uuid) WHERE t.key = 'error' AND status = 'FINISHED'"
    )
    return [f"run {run}: {error}" for run, error in _rows(project, asked)]


def broken_files(project: Project) -> list[str]:
    """Files that cannot be read whole, and what killed writers have left beside those of the finished trainings."""
    broken = [f"{path}: left over" for phase in TRAININGS for path in _newest(project, phase).rglob(".*.tmp")]
    for path in sorted(path for path in project.folder.rglob("*") if path.is_file()):
        try:
            _read(path)
        except Exception as error:  # whatever a reader says of it
            broken.append(f"{path}: {type(error).__name__}: {error}")
    return broken


def _read(path: Path) -> None:
    match path.suffix if not path.name.startswith(".") else "":
        case ".json":
            json.loads(path.read_text(encoding="utf-8"))
        case ".safetensors" if (path.with_suffix(".json")).exists():
            load_checkpoint(path.parent, path.stem)
        case ".npz":
            with np.load(path) as arrays:
                for name in arrays.files:
                    arrays[name]
        case ".png" | ".gif":
            with Image.open(path) as image:
                image.load()
        case ".h5":
            store = PatternStore(path)
            store.batch(range(len(store)))


def made(project: Project) -> dict[str, str]:
    """Digests of what the commands make: the data, the trained model, and each as the run keeps it."""
    model = _newest(project, "ode") / "model"
    return {
        "data": PatternStore(project.folder / DATA).digest,
        "model": weights_of(TransitionModel.load(model)),
        "losses": hashlib.sha256(json.dumps(_losses(project)).encode()).hexdigest(),
    }


def other_artifacts(project: Project) -> list[str]:
    """Files of the finished trainings that MLflow keeps otherwise than their folders do."""
    other = []
    for phase in TRAININGS:
        folder, artifacts = _newest(project, phase), _artifacts(project, f"train_{phase}")
        for name in ("training/best.safetensors", "training/history.json", "model/ode.safetensors"):
            own = folder / name.removeprefix("training/")
            if own.exists() and not _same(own, artifacts / name):
                other.append(f"{artifacts / name} is not {own}")
    return other


def silent_versions(project: Project) -> list[str]:
    """Registered versions that do not load, answer as the library does or know their training; a missing alias."""
    client, trained = MlflowClient(project.server.address), runs(project)["train_ode FINISHED"]
    silent = [] if _has_champion(client) else ["there is no champion"]
    for version in client.search_model_versions(f"name = '{NAME}'"):
        trial = try_version(f"models:/{NAME}/{version.version}")
        if version.status == "READY" and (trial.problem or trial.different):
            silent.append(f"version {version.version}: {trial.different} frames differ {trial.problem}")
        if version.run_id not in trained:
            silent.append(f"version {version.version} comes from run {version.run_id}, not from {trained}")
    return silent


def _has_champion(client: MlflowClient) -> bool:
    try:
        return bool(client.get_model_version_by_alias(NAME, "champion"))
    except MlflowException:
        return False


def _rows(project: Project, asked: str, *values: str) -> Iterator[Any]:
    with closing(sqlite3.connect(project.database, timeout=30)) as database:
        yield from database.execute(asked, values).fetchall()


def _newest(project: Project, phase: str) -> Path:
    """Folder of the last training of a phase."""
    return max((project.folder / "output" / phase).iterdir())


def _named(project: Project, phase: str) -> set[str] | None:
    """Names of a training's own numbers; None for any other phase."""
    if not phase.startswith("train_"):
        return None
    rows = read_history(_newest(project, phase.removeprefix("train_")))
    return {name for row in rows for name in row} - {"epoch", "epochs"}


def _losses(project: Project) -> list[dict[str, float]]:
    rows = [row for phase in TRAININGS for row in read_history(_newest(project, phase))]
    return [{name: value for name, value in row.items() if name not in TIMES} for row in rows]


def _artifacts(project: Project, phase: str) -> Path:
    run = runs(project)[f"{phase} FINISHED"][-1]
    ((uri,),) = _rows(project, "SELECT artifact_uri FROM runs WHERE run_uuid = ?", run)
    return artifacts(project.folder) / str(uri).removeprefix("mlflow-artifacts:/")


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()
