"""Small trials of a fraction of a second, one after the other in a loop, and by one and by two workers of Ray Tune."""

from __future__ import annotations

import os
from tempfile import TemporaryDirectory

from benchmarks.measuring import Findings
from benchmarks.search_arms import Clock, in_a_loop, local_ray  # before Ray: it sets what Ray reads when imported
from benchmarks.search_trainings import OBJECTIVE, Settings, small_training

from ray import tune  # isort: skip

LEAST_OF_TWO, SMALL_TRIALS = 1.5, 16


def driver(found: Findings) -> float:
    """Seconds that Ray Tune adds to a trial, and trials an hour of one and of two workers."""
    clocks = {"a loop": in_a_loop(SMALL_TRIALS)}
    with local_ray(max(2, os.cpu_count() or 1)):
        for workers, name in ((1, "Ray, 1 worker"), (2, "Ray, 2 workers")):
            clocks[name] = _under_ray(workers)
    bare = clocks["a loop"].each
    rows = [
        {"small trials": name, "s a trial": clock.each, "training s": clock.training,
         "trials an hour": 3600 / clock.each, "of the loop's": bare / clock.each}
        for name, clock in clocks.items()
    ]  # fmt: skip
    found.table("Throughput against workers", rows, "workers reused; MLflow and proposals not included")
    ratio = clocks["Ray, 1 worker"].each / clocks["Ray, 2 workers"].each
    found.predict(f"two workers at least {LEAST_OF_TWO:g} times one", ratio >= LEAST_OF_TWO, f"{ratio:.2f}")
    return clocks["Ray, 1 worker"].overhead


def _under_ray(workers: int) -> Clock:
    clock = Clock()
    with TemporaryDirectory() as folder:
        tune.Tuner(
            tune.with_resources(_small_trial, {"cpu": 1}),
            param_space={"learning_rate": tune.loguniform(1e-4, 1e-2)},
            tune_config=tune.TuneConfig(
                metric=OBJECTIVE, mode="min", num_samples=SMALL_TRIALS, reuse_actors=True, max_concurrent_trials=workers
            ),
            run_config=tune.RunConfig(name="ray", storage_path=folder, verbose=0, callbacks=[clock]),
        ).fit()
    return clock


def _small_trial(config: Settings) -> None:
    small_training(config, tune.report)
