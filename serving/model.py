"""The served model: rows of source and target groups in, transitions out. MLflow runs this file.

One answer a row. Weights and samples come from the artifact folder, as safetensors: nothing is unpickled.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import yaml
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

import serving.own_code  # noqa: F401  first: it decides where the library comes from
from serving.front_door import log_defect, open_front_door
from serving.refusals import Refusal
from serving.schema import ClientError
from serving.service import Service
from wallpaper.data.samples import Samples
from wallpaper.models.transition_model import TransitionModel


class TransitionService(PythonModel):
    """`predict` of the registered model."""

    def load_context(self, context: Any) -> None:
        """Load the weights; called once, before any request."""
        folder, samples = (Path(context.artifacts[name]) for name in ("model", "samples"))
        about = {**(context.model_config or {}), "version": _version(folder)}
        self.service = Service(TransitionModel.load(folder), Samples.load(samples), about)
        if open_front_door(self.service.answer) and "OMP_NUM_THREADS" not in os.environ:
            torch.set_num_threads(1)  # requests come in threads; those of torch cost more here than they gain

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> list[Any]:
        """One answer for each row, in order. Raises: ClientError: with the HTTP status to answer with."""
        try:
            return self.service.answer(model_input.to_dict("records"), params)
        except Refusal as error:
            raise ClientError(str(error), error.status) from None
        except Exception:
            raise ClientError(log_defect(), 500) from None


def _version(folder: Path) -> str | None:
    """The registered version that was loaded; MLflow notes it beside `MLmodel`. None if by another address."""
    for parent in folder.parents:
        if (parent / "MLmodel").is_file():
            note = parent / "registered_model_meta"
            found = yaml.safe_load(note.read_text(encoding="utf-8")) if note.is_file() else {}
            version = found.get("model_version")
            return None if version is None else str(version)
    return None


set_model(TransitionService())
