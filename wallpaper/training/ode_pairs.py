"""Which pairs a training of the transition field sees: held out, validated, and drawn for an epoch.

All of it follows from the settings and the data alone, so nothing of it is saved. Knows no model.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wallpaper.data.latents import Latents
from wallpaper.data.pairs import RealTransitionDataset
from wallpaper.plane import GROUP_NAMES
from wallpaper.training.couplings import Coupling, GroupPair, PairBatch, build_coupling
from wallpaper.training.ode_config import OdeConfig
from wallpaper.training.projected import Painter
from wallpaper.training.projection_coupling import ProjectionCoupling
from wallpaper.training.report import Progress, silent

_HELD_OUT_STREAM = 1
"""Tells the draw of held-out pairs from every other one of the same seed."""


def held_out_pairs(config: OdeConfig) -> list[GroupPair]:
    """Ordered pairs of groups (source, target) that `config` keeps out of training, in ascending order.

    Every group is source, and target, of equally many of them to within one, so each stays in trained pairs too.
    """
    generator = np.random.default_rng([config.seed, _HELD_OUT_STREAM])
    groups = generator.permutation(len(GROUP_NAMES))
    count = round(config.held_out_pairs * len(groups) * (len(groups) - 1))
    return sorted(_in_cycles(groups, generator)[:count])


def validation_pairs(
    train: Latents, held_out: Latents, count: int, *, without: Collection[GroupPair] = ()
) -> list[GroupPair]:
    """`count` ordered pairs of groups, always the same; every group is source and target equally often, to within one.

    Pairs in `without` are left out, as what is never trained must not choose the best epoch either.

    Raises: ValueError: fewer than two groups have two latents or more in both.
    """
    known = [labels.bincount(minlength=int(labels.max()) + 1) for labels in (train.labels, held_out.labels)]
    enough = [{group for group, found in enumerate(counts.tolist()) if found >= 2} for counts in known]
    groups = sorted(enough[0] & enough[1])
    if len(groups) < 2:
        raise ValueError(
            f"two groups must have two training and two held-out latents or more, but only {groups} have; "
            "use a larger dataset"
        )
    pairs = _in_cycles(np.array(groups), np.random.default_rng(0))
    return [pair for pair in pairs if pair not in without][:count]


def coupling_of(
    config: OdeConfig,
    latents: Latents,
    *,
    painter: Painter | None = None,
    cache: Path | None = None,
    progress: Progress = silent,
) -> Coupling:
    """The coupling that `config` asks for; arguments as in `fit_ode`. Raises: ValueError: it cannot be made."""
    without = held_out_pairs(config)
    if config.coupling != "projection":
        return build_coupling(config.coupling, latents, without=without, cache=cache)
    return ProjectionCoupling(
        latents, config.projected_pairs, painter=painter, without=without, cache=cache, progress=progress
    )


def held_out_batch(
    config: OdeConfig, held_out: Latents, *, painter: Painter | None = None, cache: Path | None = None
) -> tuple[PairBatch, Tensor] | None:
    """Pairs of held-out latents by projection, and a time for each, always the same; None for other couplings.

    Args: cache: the file of the training pairs, beside which these are kept.
    """
    if config.coupling != "projection":
        return None
    count = config.validation_pairs * config.validation_points
    beside = None if cache is None else cache.with_name(f"{cache.stem}-val.npz")
    few = replace(config, projected_pairs=count)
    generator = torch.Generator().manual_seed(0)
    pairs = coupling_of(few, held_out, painter=painter, cache=beside).draw(count, generator)
    return pairs, torch.rand(count, generator=generator)


def epoch_pairs(
    config: OdeConfig, coupling: Coupling, same_pairs: RealTransitionDataset | None, epoch: int
) -> tuple[PairBatch, Tensor]:
    """The pairs of an epoch in random order, and a time in [0, 1) for each; both follow from (seed, epoch)."""
    seed = np.random.SeedSequence((config.seed, epoch)).generate_state(1, np.uint64)
    generator = torch.Generator().manual_seed(int(seed[0] >> np.uint64(1)))
    count = config.pairs_per_epoch
    same = {"cross": 0, "same": count, "mixed": count // 2}[config.transition_mode]
    parts = [coupling.draw(count - same, generator)]
    if same_pairs is not None and same:
        parts.append(_trained(PairBatch(*same_pairs.epoch_pairs(epoch)), held_out_pairs(config), same))
    pairs = PairBatch.join(parts)
    if same:
        pairs = pairs[torch.randperm(count, generator=generator)]
    return pairs, torch.rand(count, generator=generator)


def _trained(pairs: PairBatch, without: Collection[GroupPair], count: int) -> PairBatch:
    """`count` of the pairs; the first of them again where leaving out `without` leaves too few."""
    groups = zip(pairs.source.tolist(), pairs.target.tolist(), strict=True)
    rows = torch.tensor([row for row, pair in enumerate(groups) if pair not in without])
    return pairs[rows[torch.arange(count) % len(rows)]]


def _in_cycles(groups: NDArray[np.integer], generator: np.random.Generator) -> list[GroupPair]:
    """All ordered pairs, cycle after cycle: the first n have each group as source, and target, equally often."""
    shifts = generator.permutation(np.arange(1, len(groups)))
    return [(int(a), int(b)) for shift in shifts for a, b in zip(groups, np.roll(groups, -shift), strict=True)]
