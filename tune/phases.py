"""The two phases of training as a search sees them: settings, presets, what is validated, what may be asked for.

Plain data over the library's own configurations. Knows no torch, no Ray, no Optuna and no MLflow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from wallpaper.training import ode_config, vae_config
from wallpaper.training.config import choose
from wallpaper.training.ode_config import FLOW, OdeConfig
from wallpaper.training.vae_config import VaeConfig

Config: TypeAlias = VaeConfig | OdeConfig
"""The settings of one training of either phase."""

Direction: TypeAlias = Literal["minimize", "maximize"]

PARAMETERS = "parameters"
"""In a trial's rows: the size of its model, which no training reports."""


@dataclass(frozen=True, slots=True)
class Objective:
    """A figure that a search improves."""

    name: str
    """As `--objectives` has it."""
    metric: str
    """In the rows of the training."""
    title: str
    direction: Direction = "minimize"

    def loss(self, value: float) -> float:
        """The value, or its negative if more is better: lower is better."""
        return -value if self.direction == "maximize" else value


@dataclass(frozen=True, slots=True)
class Phase:
    """One of the trainings."""

    name: Literal["vae", "ode"]
    title: str
    config: type[Any]
    presets: Mapping[str, Any]
    criterion: Callable[[Any], str]
    """Of a training's settings: the metric of a row that is lowest in the epoch that is kept as best."""
    tracked: str
    """Phase of a trial's run."""
    objectives: tuple[Objective, ...]
    """All that there are; the first is the default."""
    fixed: Mapping[str, str]
    """Fields that no search varies, and why."""

    def preset(self, name: str) -> Any:
        """The settings called `name`; those of plan where only the other phase has that name."""
        return self.presets.get(name, self.presets["plan"])


_COMMON = {
    "epochs": "it is what a trial costs; use --epochs",
    "seed": "the best of several seeds is luck, not a better setting; use --seed",
    "validate_every": "trials must be compared by the same validation",
    "log_every": "it changes no result",
}

VAE = Phase(
    name="vae",
    title="VAE",
    config=VaeConfig,
    presets=vae_config.PRESETS,
    criterion=lambda _: vae_config.CRITERION,
    tracked="train_vae",
    objectives=(
        Objective("psnr", "val/psnr", "PSNR (dB)", "maximize"),
        Objective("loss", "val/loss", "validation loss"),
        Objective("kl", "val/kl", "KL divergence"),
        Objective("size", PARAMETERS, "parameters"),
    ),
    fixed={
        **_COMMON,
        "resolution": "trials must be compared on the same images",
        "prefetch": "it changes no result",
        "compile": "it changes no result",
    },
)

ODE = Phase(
    name="ode",
    title="ODE",
    config=OdeConfig,
    presets=ode_config.PRESETS,
    criterion=ode_config.criterion,
    tracked="train_ode",
    objectives=(
        Objective("w2", "val/wasserstein2", "W2"),
        Objective("energy", "val/energy_distance", "energy distance"),
        Objective("nfe", "val/nfe", "evaluations of the field"),
        Objective("curvature", "val/curvature", "curvature of the paths"),
        Objective("flow", FLOW, "flow loss of held-out pairs"),
    ),
    fixed={
        **_COMMON,
        "pairs_per_epoch": "it is what a trial costs; use --epochs",
        "validation_pairs": "trials must be compared by the same validation",
        "validation_points": "trials must be compared by the same validation",
        "transition_mode": "trials train on pairs of different groups only",
        "held_out_pairs": "trials must be compared on the same pairs",
        "projected_pairs": "they are made once for all trials",
    },
)

PHASES = {"vae": VAE, "ode": ODE}
"""In the order of training."""

PRESETS = tuple(dict.fromkeys([*ODE.presets, *VAE.presets]))


def chosen_phases(name: str) -> tuple[Phase, ...]:
    """vae, ode, or both, the VAE first."""
    return tuple(PHASES.values()) if name == "both" else (PHASES[name],)


def chosen_objectives(
    text: str, phases: Sequence[Phase], bases: Mapping[str, Any] | None = None
) -> dict[str, tuple[Objective, ...]]:
    """By phase what `text`, names separated by commas, asks for; a phase that it does not name has its default.

    Args: bases: settings that are not searched, by phase; they may decide the default.
    Raises: ValueError: a name that none of the phases has, or one given twice.
    """
    known = {objective.name: (phase, objective) for phase in phases for objective in phase.objectives}
    names = [name.strip() for name in text.split(",") if name.strip()]
    if len(set(names)) < len(names):
        raise ValueError(f"`--objectives` must name each once, but got {text!r}")
    chosen: dict[str, tuple[Objective, ...]] = {phase.name: () for phase in phases}
    for name in names:
        phase, objective = choose("objective", name, known)
        chosen[phase.name] += (objective,)
    return {phase.name: chosen[phase.name] or (_default(phase, (bases or {}).get(phase.name)),) for phase in phases}


def _default(phase: Phase, base: Any) -> Objective:
    """The first one, but for pairs by projection their own loss: see `ode_config.FLOW`."""
    if base is not None and phase.criterion(base) == FLOW:
        return next(objective for objective in phase.objectives if objective.metric == FLOW)
    return phase.objectives[0]


def base_config(phase: Phase, preset: str, *, seed: int, epochs: int = 0) -> Any:
    """The settings that are not searched; epochs 0 are the preset's."""
    config = replace(phase.preset(preset), seed=seed)
    return replace(config, epochs=epochs or config.epochs)
