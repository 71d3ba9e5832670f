"""A program: loads a registered model's folder as a server does, and asks it one request until it is warm.

`python -P as_served.py FOLDER REQUEST ANSWER`; the last two are JSON files. It imports nothing of this project, so
that the code kept with the model answers. Knows no gates.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

import mlflow.pyfunc
import pandas as pd

TIMES = 3
"""Answers that are measured, after one that is not."""


def main(folder: str, request: str, answer: str) -> None:
    """Write the last answer, and the median of the seconds."""
    asked = json.loads(Path(request).read_text(encoding="utf-8"))
    model, seconds = mlflow.pyfunc.load_model(folder), []
    for _ in range(1 + TIMES):
        started = time.perf_counter()
        (found,) = model.predict(pd.DataFrame([asked["row"]]), params=asked["params"])
        seconds.append(time.perf_counter() - started)
    said = {"seconds": statistics.median(seconds[1:]), "frames": found["frames"]}
    Path(answer).write_text(json.dumps(said), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
