"""An evaluation as a file: its figures, with the weights that they are of and the patterns they were measured on.

Without those two a figure can be compared with none. Knows no tracker.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from wallpaper.evaluation.whole import Evaluation
from wallpaper.models.transition_model import TransitionModel
from wallpaper.models.vae import SymmetryVAE
from wallpaper.training.checkpoint import weights_digest
from wallpaper.training.files import read_json


@dataclass(frozen=True, slots=True)
class Record:
    """What an evaluation's file says."""

    metrics: dict[str, float]
    """`Evaluation.metrics`."""
    weights: str
    """`weights_of` the model that was measured; empty where the file does not say."""
    data: str
    """Digest of the pattern file; empty where the file does not say."""
    split: str
    """The part of it whose patterns were held out."""


def weights_of(trained: TransitionModel | SymmetryVAE) -> str:
    """Digest of all weights, wherever they came from."""
    if isinstance(trained, SymmetryVAE):
        return weights_digest(trained.state_dict())
    parts = {"vae": trained.vae, "ode": trained.ode}
    return weights_digest({f"{name}.{key}": value for name in parts for key, value in parts[name].state_dict().items()})


def write_record(path: Path, found: Evaluation, *, weights: str, data: str) -> None:
    """Write everything that was found, the figures among it, as JSON; the folder is made if missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {"weights": weights, "data": data, "split": found.split, **found.to_mapping()}
    path.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


def read_record(path: Path) -> Record:
    """Read what `write_record` wrote. Raises: FileNotFoundError; ValueError: something else."""
    found = read_json(path)
    if not isinstance(found, dict) or not isinstance(found.get("metrics"), dict):
        raise ValueError(f"{path} must hold an evaluation's `metrics`, but does not; run `wallpaper evaluate` again")
    about = {name: str(found.get(name, "")) for name in ("weights", "data", "split")}
    try:
        metrics = {name: float(value) for name, value in found["metrics"].items()}
    except TypeError as error:
        raise ValueError(
            f"{path} must hold numbers as `metrics`, but: {error}; run `wallpaper evaluate` again"
        ) from error
    return Record(metrics=metrics, **about)
