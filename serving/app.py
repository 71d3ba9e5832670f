"""MLflow's scoring app, warm and behind a limit on bodies: `uvicorn serving.app:app`.

The environment names the model, as for `mlflow models serve`: `__pyfunc_model_path__`, and
`MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT` in seconds.
"""

from __future__ import annotations

import os
import sys

from serving.warm import Warm

sys.modules.pop("serving", None)  # the package that was kept with the model answers, not this one beside the checkout

from mlflow.artifacts import download_artifacts  # noqa: E402
from mlflow.pyfunc import scoring_server  # noqa: E402

_path = download_artifacts(artifact_uri=os.environ["__pyfunc_model_path__"])  # noqa: SIM112  MLflow's; a folder stays
_model = scoring_server.load_model_with_mlflow_config(_path)

from serving.body_limit import BodyLimit  # noqa: E402  the one kept with the model


def _answer_example() -> None:
    """Raises: RuntimeError: the model loads, but does not answer the example that it was kept with."""
    example = _model.metadata.get_serving_input(_path)
    if example is None:
        return
    found = scoring_server.invocations(example.encode(), "application/json", _model, _model.metadata.get_input_schema())
    if found.status != 200:
        raise RuntimeError(f"the model must answer its own example, but: {found.response[:500]}")


app = Warm(BodyLimit(scoring_server.init(_model)), _answer_example)
