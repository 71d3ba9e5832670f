"""One replica of `serving.cluster`: `serving.app:app` in a process that Ray has started.

Its folder is the model's, which Ray has brought to this machine together with this package. Loads nothing of the
library: the code that was kept with the model answers.
"""

from __future__ import annotations

import importlib
import os
from typing import Any


def app() -> Any:
    """The ASGI app, once it has answered its example in every thread. Raises: RuntimeError: it does not answer it."""
    os.environ["__pyfunc_model_path__"] = os.getcwd()  # noqa: SIM112  MLflow's
    return importlib.import_module("serving.app").app
