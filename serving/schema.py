"""How the model presents itself to MLflow: its signature, an example, and errors that reach the client.

What answers hold is in schema.json, which is JSON Schema.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec

from serving.refusals import error_body
from serving.requests import COLUMNS, PARAMS, Options

EXAMPLE_ROW = {"source_group": "p1", "target_group": "p6m", "seed": "0"}
EXAMPLE_PARAMS: dict[str, Any] = {"n_frames": 2, "format": "png", "size": 64}

_TYPES = {bool: DataType.boolean, int: DataType.long, float: DataType.double, str: DataType.string}
_CODES = {404: RESOURCE_DOES_NOT_EXIST, 500: INTERNAL_ERROR}


def json_schema() -> dict[str, Any]:
    """schema.json: `$defs` holds request, response, answer and error."""
    schema: dict[str, Any] = json.loads(Path(__file__).with_name("schema.json").read_text(encoding="utf-8"))
    return schema


def signature() -> ModelSignature:
    """Text columns in, no fixed output: what an answer holds depends on `format`."""
    columns: list[ColSpec | TensorSpec] = [
        ColSpec(DataType.string, name, required=name.endswith("_group")) for name in COLUMNS
    ]
    values = [getattr(Options(), name) for name in PARAMS]
    params = [ParamSpec(name, _TYPES[type(value)], value) for name, value in zip(PARAMS, values, strict=True)]
    return ModelSignature(inputs=Schema(columns), params=ParamSchema(params))


class ClientError(MlflowException):
    """An error whose message the client gets as it is, with its status.

    The scoring server puts the whole request in front of an error's message, so an image would be sent
    back; the first message stays.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message, error_code=_CODES.get(status, INVALID_PARAMETER_VALUE))
        self.status = status

    @property
    def message(self) -> str:
        """What the client reads."""
        return self._message

    @message.setter
    def message(self, value: str) -> None:
        if not hasattr(self, "_message"):
            self._message = value

    def get_http_status_code(self) -> int:
        """The status over HTTP."""
        return self.status

    def serialize_as_json(self) -> str:
        """The body over HTTP."""
        return error_body(self.status, self.message)
