"""How the model presents itself to MLflow: its signature, an example, and errors that reach the client.

Knows nothing about transitions beyond the names of their fields.
"""

from __future__ import annotations

import logging
import uuid
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, INVALID_PARAMETER_VALUE
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec

from serving.requests import Options

EXAMPLE_ROW = {"source_group": "p1", "target_group": "p6m", "seed": "0"}
EXAMPLE_PARAMS: dict[str, Any] = {"n_frames": 2, "format": "png", "size": 64}

_log = logging.getLogger(__name__)


def signature() -> ModelSignature:
    """Text columns in, no fixed output: what an answer holds depends on `format`."""
    columns: list[ColSpec | TensorSpec] = [
        ColSpec(DataType.string, "source_group"),
        ColSpec(DataType.string, "target_group"),
        ColSpec(DataType.string, "seed", required=False),
        ColSpec(DataType.string, "image", required=False),
    ]
    default = Options()
    params = [
        ParamSpec("n_frames", DataType.long, default.n_frames),
        ParamSpec("format", DataType.string, default.format),
        ParamSpec("size", DataType.long, default.size),
        ParamSpec("cells", DataType.double, default.cells),
    ]
    return ModelSignature(inputs=Schema(columns), params=ParamSchema(params))


class ClientError(MlflowException):
    """An error whose message the client gets as it is.

    The scoring server puts the whole request in front of an error's message, so an image would be sent
    back; the first message stays.
    """

    @property
    def message(self) -> str:
        """What the client reads."""
        return self._message

    @message.setter
    def message(self, value: str) -> None:
        if not hasattr(self, "_message"):
            self._message = value


def bad_request(error: Exception) -> ClientError:
    """The client's mistake, in the words of `error`: status 400."""
    return ClientError(str(error), error_code=INVALID_PARAMETER_VALUE)


def internal_error() -> ClientError:
    """Our mistake, status 500: logged with its traceback under a reference for the client. Call it in `except`."""
    reference = uuid.uuid4().hex[:12]
    _log.exception("request failed, reference %s", reference)
    return ClientError(f"the request could not be answered; reference {reference} in the server's log", INTERNAL_ERROR)
