"""The trainings that searches are compared on: made up, real, and small.

`value` is a closed-form learning curve over the settings of the transition field: its optimum is known. Its shape is
what trainings often show (a best learning rate that moves with batch and width, a setting that counts for one solver
only, fast starters that end worse, noise, divergence); its numbers are nobody's measurement.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import numpy as np
import optuna
import torch

from wallpaper.data import Latents
from wallpaper.models.vae import SymmetryVAE
from wallpaper.training.config import from_mapping
from wallpaper.training.ode_config import CRITERION, OdeConfig, criterion
from wallpaper.training.ode_loop import fit_ode
from wallpaper.training.report import Row
from wallpaper.training.stopping import Interrupted, TrainingError

Settings: TypeAlias = dict[str, Any]

OBJECTIVE, SECONDS = "objective", "seconds"
"""What small trainings report."""

SCALE = 0.1
"""The lowest value, about that of a W2 distance."""

EPOCH_NOISE, SEED_NOISE = 0.03, 0.02
"""Standard deviations of the logarithm of a value: of each epoch, and of a training as a whole."""

DIVERGES = 6.0
"""Learning rates of so many times the best one diverge."""

SOLVER_ERRORS = {"rk4": (0.01, 0.1, 4), "midpoint": (0.02, 0.2, 2), "euler": (0.04, 0.4, 1)}
"""For each fixed-step solver: its excess with endless steps, that of 8 steps on top, its order."""


def propose(trial: optuna.Trial) -> dict[str, Any]:
    """The searched settings: `rtol` belongs to dopri5 alone, `solver_steps` to the others."""
    settings: dict[str, Any] = {
        "learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
        "batch_size": trial.suggest_categorical("batch_size", (32, 64, 128, 256)),
        "hidden_dim": trial.suggest_categorical("hidden_dim", (64, 128, 256, 512)),
        "embedding_dim": trial.suggest_categorical("embedding_dim", (16, 32, 64)),
        "weight_decay": trial.suggest_float("weight_decay", 1e-6, 1e-1, log=True),
        "warmup": trial.suggest_categorical("warmup", (0, 50, 200)),
        "scheduler": trial.suggest_categorical("scheduler", ("cosine", "constant")),
        "solver": trial.suggest_categorical("solver", ("dopri5", *SOLVER_ERRORS)),
    }
    if settings["solver"] == "dopri5":
        settings["rtol"] = trial.suggest_float("rtol", 1e-6, 1e-2, log=True)
    else:
        settings["solver_steps"] = trial.suggest_int("solver_steps", 2, 32, log=True)
    return settings


OPTIMUM = OdeConfig(
    learning_rate=2e-3 * math.sqrt(256 / 512), batch_size=64, hidden_dim=512, embedding_dim=32, weight_decay=1e-3,
    warmup=50, scheduler="cosine", solver="dopri5", rtol=1e-6,
)  # fmt: skip
"""The best settings of the space; no training of them is better than `value(OPTIMUM, epochs, epochs)`."""


def best_rate(config: OdeConfig) -> float:
    """The learning rate that suits batch and width."""
    return 2e-3 * math.sqrt(config.batch_size / 64 * 256 / config.hidden_dim)


def excess(config: OdeConfig) -> float:
    """Logarithm of the last epoch's value over `SCALE`: a sum with a term for each setting."""
    off = math.log10(config.learning_rate / best_rate(config))
    return (
        (1.0 if off > 0 else 0.5) * off**2
        + 0.15 * abs(math.log2(512 / config.hidden_dim))
        + 0.02 * abs(math.log2(config.batch_size / 64))
        + 0.03 * abs(math.log2(config.embedding_dim / 32))
        + 0.02 * math.log10(config.weight_decay / 1e-3) ** 2
        + {0: 0.02, 50: 0.0, 200: 0.03}[config.warmup]
        + (0.1 if config.scheduler == "constant" else 0.0)
        + _solver_error(config)
    )


def _solver_error(config: OdeConfig) -> float:
    if config.solver == "dopri5":
        return 0.3 * math.sqrt(config.rtol / 1e-2)
    least, of_eight, order = SOLVER_ERRORS[config.solver]
    return float(least + of_eight * (8 / config.solver_steps) ** order)


def value(config: OdeConfig, epoch: int, epochs: int) -> float:
    """The validation value after an epoch, without noise: a power law down to the last epoch's.

    Slow learners fall late: among two with the same end, the one with the higher rate, without a schedule or warm-up,
    is ahead until then.
    """
    late = 0.45 - 0.25 * math.log10(config.learning_rate / best_rate(config))
    late += (0.1 if config.scheduler == "cosine" else 0.0) + config.warmup / 4000
    return float(SCALE * math.exp(excess(config)) * (epochs / epoch) ** max(late, 0.05))


def training(settings: dict[str, Any], epochs: int, seed: tuple[int, ...]) -> Iterator[float]:
    """The noisy values that one training shows, epoch by epoch; NaN, and the end, if it diverges."""
    config, random = from_mapping(OdeConfig, settings), np.random.default_rng(seed)
    own = random.normal(0, SEED_NOISE)
    for epoch in range(1, epochs + 1):
        if epoch > 1 and config.learning_rate > DIVERGES * best_rate(config):
            yield math.nan
            return
        yield value(config, epoch, epochs) * math.exp(own + random.normal(0, EPOCH_NOISE))


def ode_training(
    config: OdeConfig, train: Latents, held_out: Latents, folder: Path, *, coupling: Path, vae: SymmetryVAE
) -> Iterator[float]:
    """The real thing: the values by which `fit_ode` keeps an epoch, one at a time; NaN, and the end, if it diverges.

    Between two epochs the training is interrupted and resumed, which changes none of its numbers.
    """
    rows: list[Row] = []
    for epoch in range(1, config.epochs + 1):
        try:
            fit_ode(config, train, held_out, folder, painter=vae, coupling_cache=coupling, resume=epoch > 1,
                    report=lambda row: rows.append(dict(row)), stop=lambda: len(rows) >= epoch)  # noqa: B023  # fmt: skip
        except Interrupted:
            pass
        except TrainingError:
            yield math.nan
            return
        yield float(rows[-1][criterion(config)])


def small_training(settings: Mapping[str, Any], report: Callable[[dict[str, Any]], object]) -> float:
    """A trial of a fraction of a second: the library's own loop over two epochs of a few made-up latents.

    Reports after each epoch, and how long it took at its end. Returns: these seconds.
    """
    started = time.perf_counter()
    config = OdeConfig.preset("smoke", coupling="random", **settings)
    random = torch.Generator().manual_seed(0)
    labels = torch.arange(17).repeat(8)
    train, held_out = (Latents(torch.randn(len(labels), 8, generator=random), labels) for _ in range(2))
    best = math.inf

    def tell(row: Mapping[str, float | int]) -> None:
        nonlocal best
        best = min(best, float(row[CRITERION]))
        report({OBJECTIVE: best, SECONDS: 0.0})

    with TemporaryDirectory() as folder:
        fit_ode(config, train, held_out, Path(folder), report=tell)
    seconds = time.perf_counter() - started
    report({OBJECTIVE: best, SECONDS: seconds})
    return seconds
