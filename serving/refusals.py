"""What a client gets when a request is not answered: a status and one sentence that names field, value and remedy.

Never the request itself, a path or a stack trace. Knows neither MLflow nor models.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

CODES = {
    400: "INVALID_PARAMETER_VALUE",
    404: "RESOURCE_DOES_NOT_EXIST",
    413: "REQUEST_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    422: "UNPROCESSABLE_CONTENT",
    500: "INTERNAL_ERROR",
}
"""The `error_code` of an answer by its status; where MLflow has a name for it, MLflow's."""

SHOWN = 40
"""Characters of a client's value that an error repeats."""


class Refusal(ValueError):
    """The request is not answered; the message is the client's.

    Args: status: 400 for what no request may hold, 404 for a sample that is not there, 413 for too much, 415 for no
        JSON, 422 for a well-formed picture or latent of which nothing can be made.
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def error_body(status: int, message: str) -> str:
    """The JSON that goes with an error's status."""
    return json.dumps({"error_code": CODES[status], "message": message})


@contextmanager
def in_row(index: int, count: int) -> Iterator[None]:
    """Lets a refusal name its row, where there are several."""
    try:
        yield
    except Refusal as error:
        raise error if count == 1 else Refusal(f"row {index}, {error}", error.status) from None


def show(value: Any) -> str:
    """A client's value, cut short; of what holds other values only the kind."""
    if isinstance(value, dict):
        return f"an object of {len(value)}"
    if isinstance(value, (list, tuple, np.ndarray)):
        return f"a list of {len(value)}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = repr(value[: SHOWN + 1]) if isinstance(value, str) else str(value)
    return text if len(text) <= SHOWN + 2 else text[:SHOWN] + "..."
