"""MLflow's scoring app behind a limit on bodies: `uvicorn serving.app:app`, the model as for `mlflow models serve`.

The environment names the model: `__pyfunc_model_path__`, and `MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT` in seconds.
"""

import sys

sys.modules.pop("serving", None)  # the package that was kept with the model answers, not this one beside the checkout

from mlflow.pyfunc.scoring_server.app import app as scoring_app  # noqa: E402  importing it loads the model

from serving.body_limit import BodyLimit  # noqa: E402

app = BodyLimit(scoring_app)
