"""What is searched if nothing else is asked for: rows for either phase, around the settings that a search starts from.

Data only. Every preset lies in its own default space, and the plan's figures as far as its kind of model allows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tune.phases import Phase
from tune.space_data import Row

_LEARNING_RATE = {"low": 1e-4, "high": 1e-2, "log": True}


def default_rows(phase: Phase, base: Any) -> dict[str, Row]:
    """The default space of a phase over `base`."""
    return vae_rows(base) if phase.name == "vae" else ode_rows(base)


def vae_rows(base: Any) -> dict[str, Row]:
    """Step size, weights of the loss, latent size and widths around those of `base`, augmentation."""
    wide = [tuple(_eights(width * factor) for width in base.hidden_dims) for factor in (0.5, 1.5)]
    latent = [size for size in (base.latent_dim // 2, base.latent_dim * 2) if _fits(base, size)]
    return {
        "learning_rate": _LEARNING_RATE,
        "beta": {"low": 1e-3, "high": 1.0, "log": True},
        "lambda_inv": {"low": 1.0, "high": 100.0, "log": True, "when": {"symmetry_pooling": False}},
        "latent_dim": [base.latent_dim, *latent],
        "hidden_dims": list(dict.fromkeys([base.hidden_dims, *wide])),
        "batch_size": sorted({8, 16, 32, base.batch_size}),
        "weight_decay": {"low": 1e-6, "high": 1e-1, "log": True},
        "warmup": sorted({0, 100, 500, base.warmup}),
        "augment": [False, True],
        "ema_decay": [0.0, 0.99, 0.999],
    }


def ode_rows(base: Any) -> dict[str, Row]:
    """Step size, field, coupling, and the solver with its tolerance or its steps; adjoint gradients need dopri5."""
    solvers: dict[str, Row] = {
        "solver": ["dopri5", "rk4", "midpoint"],
        "rtol": {"low": 1e-6, "high": 1e-2, "log": True, "when": {"solver": "dopri5"}},
        "solver_steps": {"low": 2, "high": 32, "log": True, "when": {"solver": ["rk4", "midpoint", "euler"]}},
    }
    return {
        "learning_rate": _LEARNING_RATE,
        "batch_size": [32, 64, 128, 256],
        "hidden_dim": [64, 128, 256, 512],
        "embedding_dim": [16, 32, 64],
        "weight_decay": {"low": 1e-6, "high": 1e-1, "log": True},
        "warmup": [0, 50, 200],
        "scheduler": ["cosine", "constant"],
        "ema_decay": [0.0, 0.99, 0.999],
        "coupling": ["ot", "random"],
        "lambda_smooth": {"low": 1e-4, "high": 1.0, "log": True, "when": {"objective": "endpoint"}},
        "lambda_velocity": {"low": 1e-4, "high": 1.0, "log": True, "when": {"objective": "endpoint"}},
        **({"rtol": {"low": 1e-6, "high": 1e-2, "log": True}} if base.adjoint else solvers),
    }


def _eights(width: float) -> int:
    return max(8, round(width / 8) * 8)


def _fits(base: Any, latent_dim: int) -> bool:
    try:
        replace(base, latent_dim=latent_dim)
    except ValueError:
        return False
    return True
