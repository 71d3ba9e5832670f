"""What a Ray worker runs: one trial, whose values go to Tune.

Apart from `driver`, so that workers need not load what only that needs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ray import tune

from tune.trial import Job, run_trial


def work(config: Mapping[str, Any], job: Job) -> None:
    """Run the trial that `config` names, with its settings."""
    gpu = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    run_trial(job, config["settings"], config["name"], lambda told: tune.report({**told, "gpu": gpu}))
