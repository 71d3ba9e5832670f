"""Optuna's samplers by the names that a search knows them under, each proposal with a seed of its own.

A sampler that is built anew for every proposal has no state but the study: what is resumed proposes what it would have.
"""

from __future__ import annotations

import warnings

import numpy as np
import optuna

SAMPLERS = ("tpe", "gp", "qmc", "nsga2", "random")


def build_sampler(name: str, seed: int, asked: int, trials: int) -> optuna.samplers.BaseSampler:
    """The sampler called `name` for the proposal after `asked` others. Raises: ValueError: unknown."""
    own = int(np.random.SeedSequence([seed, asked]).generate_state(1)[0])
    startup = max(3, min(10, trials // 3))
    samplers = optuna.samplers
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if name == "tpe":
            return samplers.TPESampler(seed=own, n_startup_trials=startup, multivariate=True, group=True)
        if name == "gp":
            return samplers.GPSampler(seed=own, n_startup_trials=startup, warn_independent_sampling=False)
        if name == "qmc":  # its sequence goes on where the study's last one was; only then is the seed everyone's
            independent = samplers.RandomSampler(seed=own)
            return samplers.QMCSampler(
                scramble=True, seed=seed, independent_sampler=independent, warn_independent_sampling=False
            )
        if name == "nsga2":
            return samplers.NSGAIISampler(seed=own, population_size=max(4, min(20, trials // 3)))
        if name == "random":
            return samplers.RandomSampler(seed=own)
    raise ValueError(f"`sampler` must be one of {', '.join(SAMPLERS)}, but got {name!r}")
