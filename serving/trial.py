"""Tries a registered version: what it answers when served, beside what the library makes of the same weights.

The version answers in a process of its own, with the code that was kept with it; here the checkout's library does.
Knows no gates and moves nothing.
"""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mlflow.artifacts import download_artifacts
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from PIL import Image

from serving.gates import Trial
from serving.packing import environment
from wallpaper.models.transition_model import TransitionModel
from wallpaper.pictures.render import Picture
from wallpaper.transition import pictures, transition_from_seed

SOURCE, TARGET, SEED = "p1", "p6m", 0
FRAMES, SIZE, CELLS = 8, 256, 2.5
REQUEST: dict[str, Any] = {
    "row": {"source_group": SOURCE, "target_group": TARGET, "seed": str(SEED)},
    "params": {"n_frames": FRAMES, "size": SIZE, "cells": CELLS, "format": "png"},
}
PROGRAM = Path(__file__).with_name("as_served.py")


def try_version(uri: str) -> Trial:
    """Load and ask the version at `models:/NAME/VERSION`; whatever is wrong with it is in the trial."""
    quiet = environment(MLFLOW_ALLOW_PICKLE_DESERIALIZATION="false", MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false")
    with tempfile.TemporaryDirectory() as temporary, quiet:
        try:
            folder = Path(download_artifacts(artifact_uri=uri, dst_path=temporary))
            own = library_frames(folder)
            answer = _ask(folder, Path(temporary))
            return Trial(FRAMES, different(answer["frames"], own), float(answer["seconds"]))
        except (MlflowException, OSError, RuntimeError, ValueError, KeyError) as error:
            return Trial(FRAMES, FRAMES, 0.0, str(error).splitlines()[0][:200])


def library_frames(folder: Path) -> list[Picture]:
    """The request's frames as the library here makes them from a registered model's weights."""
    weights = folder / Model.load(str(folder)).flavors["python_function"]["artifacts"]["model"]["path"]
    result = transition_from_seed(TransitionModel.load(weights), SOURCE, TARGET, seed=SEED, n_frames=FRAMES)
    return pictures(result, size=SIZE, cells=CELLS)


def different(served: Sequence[str], own: Sequence[Picture]) -> int:
    """How many served frames, PNG in base64, differ in any byte of their pixels; missing and further ones do."""
    equal = 0
    for text, expected in zip(served, own, strict=False):
        with Image.open(io.BytesIO(base64.b64decode(text))) as image:
            equal += np.array_equal(np.asarray(image), expected)
    return max(len(served), len(own)) - equal


def _ask(folder: Path, temporary: Path) -> dict[str, Any]:
    """Raises: RuntimeError: the last thing that the process said."""
    request, answer = temporary / "request.json", temporary / "answer.json"
    request.write_text(json.dumps(REQUEST), encoding="utf-8")
    command = [sys.executable, "-P", str(PROGRAM), str(folder), str(request), str(answer)]
    done = subprocess.run(command, cwd=temporary, capture_output=True, text=True, check=False)
    if done.returncode or not answer.is_file():
        raise RuntimeError((done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1])
    found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    return found
