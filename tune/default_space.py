"""What is searched if nothing else is asked for: rows for either phase, around the settings that a search starts from.

Data only. Every preset lies in its own default space, and the preset plan's values as far as its kind of model allows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tune.phases import Phase
from tune.space_data import Row

_LEARNING_RATE = {"low": 1e-4, "high": 1e-2, "log": True}


def default_rows(phase: Phase, base: Any, *, on_grid: bool = False) -> dict[str, Row]:
    """The default space of a phase over `base`.

    Args: on_grid: whether the latents that an ODE is trained on lie on a grid of places.
    """
    return vae_rows(base) if phase.name == "vae" else ode_rows(base, on_grid=on_grid)


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
        "batch_size": _with([8, 16, 32], base.batch_size),
        "weight_decay": {"low": 1e-6, "high": 1e-1, "log": True},
        "warmup": _with([0, 100, 500], base.warmup),
        "augment": [False, True],
        "ema_decay": _with([0.0, 0.99, 0.999], base.ema_decay),
    }


def ode_rows(base: Any, *, on_grid: bool = False) -> dict[str, Row]:
    """Step size, network, coupling, and the solver with its tolerance or its steps; adjoint gradients need dopri5."""
    wide: dict[str, Any] = {"hidden_dim": _with([64, 128, 256, 512], base.hidden_dim)}
    if on_grid:
        channels = [_sixteens(base.place_channels * factor) for factor in (0.5, 1.5)]
        wide = {
            "network": _with(["auto", "dense"], base.network),
            "hidden_dim": {"choices": wide["hidden_dim"], "when": {"network": "dense"}},
            "place_channels": {
                "choices": _with(channels, base.place_channels),
                "when": {"network": [name for name in ("auto", "grid") if name in ("auto", base.network)]},
            },
        }
    solvers: dict[str, Row] = {
        "solver": _with(["dopri5", "rk4", "midpoint"], base.solver),
        "rtol": {"low": 1e-6, "high": 1e-2, "log": True, "when": {"solver": "dopri5"}},
        "solver_steps": {"low": 2, "high": 32, "log": True, "when": {"solver": ["rk4", "midpoint", "euler"]}},
    }
    return {
        "learning_rate": _LEARNING_RATE,
        "batch_size": _with([32, 64, 128, 256], base.batch_size),
        **wide,
        "embedding_dim": _with([16, 32, 64], base.embedding_dim),
        "weight_decay": {"low": 1e-6, "high": 1e-1, "log": True},
        "warmup": _with([0, 50, 200], base.warmup),
        "scheduler": ["cosine", "constant"],
        "ema_decay": _with([0.0, 0.99, 0.999], base.ema_decay),
        **({} if base.coupling == "projection" else {"coupling": ["ot", "random"]}),
        "lambda_smooth": {"low": 1e-4, "high": 1.0, "log": True, "when": {"objective": "endpoint"}},
        "lambda_velocity": {"low": 1e-4, "high": 1.0, "log": True, "when": {"objective": "endpoint"}},
        **({"rtol": {"low": 1e-6, "high": 1e-2, "log": True}} if base.adjoint else solvers),
    }


def _with(choices: list[Any], own: Any) -> list[Any]:
    """The choices and the base's own value."""
    return choices if own in choices else [*choices, own]


def _sixteens(channels: float) -> int:
    return max(16, round(channels / 16) * 16)


def _eights(width: float) -> int:
    return max(8, round(width / 8) * 8)


def _fits(base: Any, latent_dim: int) -> bool:
    try:
        replace(base, latent_dim=latent_dim)
    except ValueError:
        return False
    return True
