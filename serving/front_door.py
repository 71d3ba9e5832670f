"""MLflow's scoring server, taught to answer bad requests in a sentence: it comes with the model that is loaded.

The server itself sends the payload back where JSON is broken, shows stack traces, ignores unknown names and has no
limits. It calls `mlflow.pyfunc.scoring_server.invocations` for every body it has received; that one function is
replaced, in the server's process only. `mlflow models serve`, a container and `wallpaper serve` all have it so.
"""

from __future__ import annotations

import inspect
import json
import logging
import os
import uuid
from collections.abc import Callable
from typing import Any

from mlflow.pyfunc import scoring_server

from serving.body import parse_body
from serving.refusals import Refusal, error_body

_log = logging.getLogger(__name__)

Answer = Callable[[list[Any], Any], list[dict[str, Any]]]

SERVER = "__pyfunc_model_path__"
"""Environment variable by which MLflow tells its server's processes which model to load."""


def open_front_door(answer: Answer) -> bool:
    """Let `answer` (rows, params) reply to every request of this process's scoring server; whether it does."""
    if SERVER not in os.environ:
        return False
    expected = ["data", "content_type", "model", "input_schema"]
    if list(inspect.signature(scoring_server.invocations).parameters) != expected:
        _log.warning("this MLflow's server is another than was tested: bad requests are answered as MLflow does")
        return False

    def invocations(data: bytes, content_type: str | None, model: Any, input_schema: Any) -> Any:
        return scoring_server.InvocationsResponse(*reply(answer, data, content_type), "application/json")

    scoring_server.invocations = invocations
    return True


def reply(answer: Answer, content: bytes, content_type: str | None) -> tuple[str, int]:
    """The text and the status for a body."""
    try:
        body = parse_body(content, content_type)
        return json.dumps({"predictions": answer(body.rows, body.params)}, allow_nan=False), 200
    except Refusal as error:
        return error_body(error.status, str(error)), error.status
    except Exception:
        return error_body(500, log_defect()), 500


def log_defect() -> str:
    """Log the exception that is being handled, with its traceback; what the client gets to read of it."""
    reference = uuid.uuid4().hex[:12]
    _log.exception("request failed, reference %s", reference)
    return f"the request could not be answered; reference {reference} in the server's log"
