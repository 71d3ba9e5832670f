"""Settings of one training of the transition field; the defaults are what measured best.

Knows no torch, path or tracker.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from wallpaper.training.config import check_at_least, check_below_one, check_choices, check_positive, choose

MOST_HELD_OUT = 0.9
"""Largest share of pairs held out: every group must stay a source and a target of some pair."""

CRITERION = "val/wasserstein2"
"""What a validation is judged by, lowest best; with coupling projection it is `FLOW`."""

FLOW = "val/flow"
"""Flow-matching loss on held-out pairs. Between few points in thousands of dimensions, W2 is least for a field that
draws all end points towards the mean; a pair made by projection says where its own end is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OdeConfig:
    """One training of the transition field, whole. Raises: ValueError: a value outside its range."""

    objective: Literal["flow", "endpoint"] = "flow"
    """flow: match the velocity of straight lines between coupled latents, without a solver. endpoint: solve, and
    add endpoint error, smoothness and velocity; with random coupling it collapses onto the target group's mean."""

    coupling: Literal["ot", "random", "projection"] = "ot"
    """What a latent of the source group is paired with: the target's by optimal transport; any of the target's; or
    that of its own pattern, projected onto the target group with its contrast kept (decodes and encodes with the VAE).
    With thousands of latents all patterns are about equally far from each other: optimal transport then couples
    patterns that have nothing to do with each other, and paths bend."""

    projected_pairs: int = 24_000
    """Pairs of coupling projection: made once, drawn from in every epoch."""

    transition_mode: Literal["cross", "same", "mixed"] = "cross"
    """cross: two patterns of different groups. same: one latent decoded under both groups and encoded again.
    mixed: half of each. The coupling is that of cross pairs; same pairs are coupled as they are."""

    held_out_pairs: float = 0.0
    """Share of the 272 ordered pairs of groups that is never trained; the seed chooses which, evenly over groups."""

    epochs: int = 100
    """How often `pairs_per_epoch` pairs are seen."""

    pairs_per_epoch: int = 10_000
    """Pairs drawn anew in each epoch."""

    batch_size: int = 64
    """Pairs in one step."""

    learning_rate: float = 1e-3
    """Largest step size of AdamW."""

    weight_decay: float = 1e-4
    """Decoupled weight decay of AdamW."""

    scheduler: Literal["cosine", "constant"] = "cosine"
    """Learning rate after the warm-up: half a cosine down to 0, or constant."""

    warmup: int = 0
    """Steps over which the learning rate rises from 0."""

    gradient_clip: float = 1.0
    """Largest norm of the gradient of one step."""

    lambda_smooth: float = 0.1
    """Weight of the smoothness, sum over i of |z(t_i+1) - z(t_i)|^2, in objective endpoint; flow only logs it.
    It grows with the latent dimension: see `per_dimension`."""

    lambda_velocity: float = 0.01
    """Weight of the velocity, mean of |dz/dt|^2, in objective endpoint; flow only logs it."""

    per_dimension: bool = False
    """Divide both weights by the latent dimension: smoothness and velocity are sums over it, the endpoint is a mean."""

    time_points: int = 50
    """Times between 0 and 1, ends included, at which smoothness and velocity look at a path."""

    network: Literal["auto", "dense", "grid"] = "auto"
    """dense: layers that see all latents at once. grid: convolutions, for latents that lie on a grid of places (VAE
    with pool grid); it knows which places the target group repeats. auto: grid wherever it can be."""

    hidden_dim: int = 256
    """Width of the dense network's layers."""

    place_channels: int = 64
    """Channels of a place in the grid network; a multiple of 16."""

    embedding_dim: int = 32
    """Length of a group's learned vector; 12 of it start from what is known of the group."""

    solver: Literal["dopri5", "rk4", "midpoint", "euler"] = "dopri5"
    """How paths are computed: dopri5 chooses its steps, the others take `solver_steps`."""

    solver_steps: int = 8
    """Equal steps from 0 to 1 of a fixed-step solver."""

    rtol: float = 1e-4
    """Relative tolerance of dopri5."""

    atol: float = 1e-5
    """Absolute tolerance of dopri5, in units of the latents' spread."""

    max_evaluations: int = 10_000
    """A solve that needs more evaluations of the field is an error; keeps stiff fields from hanging."""

    adjoint: bool = False
    """Gradients of objective endpoint by the adjoint equation: less memory, much more time; only dopri5."""

    ema_decay: float = 0.0
    """Share of the old that each step leaves in a moving average of the weights, which is then what is validated and
    kept as best; 0.999 for instance. 0: the weights themselves."""

    patience: int = 0
    """End the training after so many epochs without a better validation. 0: never."""

    validate_every: int = 1
    """Epochs between validations; the last epoch is always validated."""

    validation_pairs: int = 34
    """Ordered pairs of groups in a validation, always the same ones; 272 are all."""

    validation_points: int = 64
    """Held-out latents of each group in a validation, at most."""

    log_every: int = 5
    """Epochs between two sets of pictures, for callers that draw them."""

    seed: int = 0
    """Of initial weights, pairs and times."""

    def __post_init__(self) -> None:
        check_choices(self)
        counts = ("epochs", "pairs_per_epoch", "batch_size", "hidden_dim", "solver_steps", "max_evaluations")
        check_at_least(self, 1, *counts, "validate_every", "validation_pairs", "log_every")
        check_at_least(self, 1, "place_channels", "projected_pairs")
        check_at_least(self, 2, "time_points", "validation_points")
        check_at_least(self, 12, "embedding_dim")
        check_at_least(self, 0, "weight_decay", "warmup", "lambda_smooth", "lambda_velocity", "seed", "ema_decay")
        check_at_least(self, 0, "held_out_pairs", "patience")
        check_below_one(self, "ema_decay")
        check_positive(self, "learning_rate", "gradient_clip", "rtol", "atol")
        if self.held_out_pairs > MOST_HELD_OUT:
            raise ValueError(f"`held_out_pairs <= {MOST_HELD_OUT}` must hold, but got {self.held_out_pairs}")
        if self.place_channels % 16:
            raise ValueError(f"`place_channels % 16 == 0` must hold, but got {self.place_channels}")
        if self.adjoint and self.solver != "dopri5":
            raise ValueError(f"`adjoint` needs `solver` dopri5, but got {self.solver!r}")

    @classmethod
    def preset(cls, name: str, **changes: Any) -> OdeConfig:
        """One of `PRESETS`, with some fields changed. Raises: ValueError: an unknown name."""
        return replace(choose("preset", name, PRESETS), **changes)


def criterion(config: OdeConfig) -> str:
    """The metric that decides which epoch is kept."""
    return FLOW if config.coupling == "projection" else CRITERION


_PROJECTION = OdeConfig(
    coupling="projection",
    learning_rate=2e-3,
    warmup=50,
    solver="midpoint",
    solver_steps=4,
    time_points=9,
    validation_points=16,
)

PRESETS = {
    "smoke": OdeConfig(epochs=2, pairs_per_epoch=256, hidden_dim=64, time_points=10, validation_points=8),
    "laptop": replace(  # step size, decay and averaging are what the search in docs/search.md found
        _PROJECTION,
        projected_pairs=12_000,
        epochs=6,
        pairs_per_epoch=8_000,
        place_channels=48,
        learning_rate=9e-3,
        weight_decay=6e-4,
        ema_decay=0.999,
    ),
    "champion": replace(
        _PROJECTION, projected_pairs=36_000, epochs=16, pairs_per_epoch=16_000, place_channels=64, held_out_pairs=0.1
    ),
    "quality": replace(_PROJECTION, projected_pairs=100_000, epochs=100, pairs_per_epoch=32_000, place_channels=128),
    "plan": OdeConfig(),
    "baseline": OdeConfig(objective="endpoint", coupling="random", adjoint=True, transition_mode="mixed"),
}
"""Smoke runs in seconds, laptop in minutes, champion in less than an hour on two cores, quality on a GPU; champion
leaves a tenth of the pairs untrained, to tell how it does without. plan has the defaults, of full
size. baseline has them with the objective endpoint and random pairs: hours, and a collapse."""
