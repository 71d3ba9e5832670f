"""One optimiser step of a transition field's training, and what is said of one that cannot be taken.

Knows no epochs.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from wallpaper.data.latents import Latents
from wallpaper.models.ode import uniform_times
from wallpaper.models.solvers import SolveError, solver_errors
from wallpaper.plane import GROUP_NAMES
from wallpaper.training.couplings import PairBatch
from wallpaper.training.failures import memory_errors, pattern_name, spoilt_rows
from wallpaper.training.objectives import TrajectoryTerms, flow_loss, trajectory_terms
from wallpaper.training.ode_run import OdeRun
from wallpaper.training.report import Row
from wallpaper.training.schedule import learning_rate
from wallpaper.training.stopping import TrainingError

MONITORED = 64
"""Pairs whose paths are solved once an epoch, for the terms that flow matching does not need."""


def take_step(run: OdeRun, pairs: PairBatch, times: Tensor, latents: Latents) -> float:
    """Take one step, count it in `run`, and return the loss.

    Args: latents: where the pairs come from, to name the patterns of a pair that fails.
    Raises: TrainingError: the loss or its gradient is not finite, a path cannot be solved, or the memory does not
        suffice; nothing is saved then.
    """
    with memory_errors(lambda: _place(run), run.config.batch_size):
        return _take_step(run, pairs, times, latents)


def _take_step(run: OdeRun, pairs: PairBatch, times: Tensor, latents: Latents) -> float:
    config, ode = run.config, run.ode
    try:
        loss, terms = _loss(run, pairs, times)
        run.optimiser.zero_grad()
        with solver_errors():
            loss.backward()
    except SolveError as error:
        raise _unsolved(run, error, pairs, latents) from error
    norm = torch.nn.utils.clip_grad_norm_(ode.parameters(), config.gradient_clip)
    terms |= {"loss": float(loss.detach()), "gradient_norm": float(norm)}
    for name in ("loss", "gradient_norm"):
        if not np.isfinite(terms[name]):
            suspects = _suspects(run, pairs, times, latents)
            raise TrainingError(
                f"{name} must be finite, but is {terms[name]} in {_place(run)}{suspects}; {_remedy(run)}"
            )
    for group in run.optimiser.param_groups:
        group["lr"] = _rate(run, run.step)
    run.optimiser.step()
    run.count(terms, len(pairs))
    return terms["loss"]


def _loss(run: OdeRun, pairs: PairBatch, times: Tensor) -> tuple[Tensor, dict[str, float]]:
    config = run.config
    if config.objective == "flow":
        loss = flow_loss(run.ode, pairs, times)
        return loss, {"flow": float(loss.detach())}
    terms = trajectory_terms(run.ode, pairs, uniform_times(config.time_points))
    share = 1 / run.ode.latent_dim if config.per_dimension else 1.0
    return terms.total(share * config.lambda_smooth, share * config.lambda_velocity), _numbers(terms)


def _numbers(terms: TrajectoryTerms) -> dict[str, float]:
    names = ("endpoint", "smoothness", "velocity", "length")
    return {name: float(getattr(terms, name).detach()) for name in names} | {"nfe": float(terms.nfe)}


def train_row(run: OdeRun, pairs: PairBatch, latents: Latents) -> Row:
    """The epoch's training metrics; flow matching solves some of the epoch's paths for those that it does without."""
    means = run.means()
    if run.config.objective == "flow":
        try:
            with torch.no_grad():
                monitored = trajectory_terms(run.ode, pairs[:MONITORED], uniform_times(run.config.time_points))
        except SolveError as error:
            raise _unsolved(run, error, pairs, latents) from error
        means |= _numbers(monitored)
    row: Row = {"epoch": run.epoch, "epochs": run.config.epochs, "learning_rate": _rate(run, run.step - 1)}
    row |= {"nfe_mean": means.pop("nfe"), "trajectory_length_mean": means.pop("length")}
    return row | {f"train/{name}": value for name, value in sorted(means.items())}


def _rate(run: OdeRun, step: int) -> float:
    config = run.config
    steps = config.epochs * run.batches_per_epoch
    return learning_rate(config.learning_rate, step, steps, config.scheduler, config.warmup)


def _place(run: OdeRun) -> str:
    return f"epoch {run.epoch}, batch {min(run.position + 1, run.batches_per_epoch)}"


def _remedy(run: OdeRun) -> str:
    return f"lower `learning_rate` (now {run.config.learning_rate}) and train again"


def _unsolved(run: OdeRun, error: SolveError, pairs: PairBatch, latents: Latents) -> TrainingError:
    named = "" if error.sample is None else f", {_pair_name(pairs, error.sample, latents)}"
    return TrainingError(f"{_place(run)}{named} cannot be solved: {error}; {_remedy(run)}")


@torch.no_grad()
def _suspects(run: OdeRun, pairs: PairBatch, times: Tensor, latents: Latents) -> str:
    """The first pair whose own velocity is not finite, if there is one; every pair is where the weights are spoilt."""
    states = torch.lerp(run.ode.standardise(pairs.z_source), run.ode.standardise(pairs.z_target), times[:, None])
    spoilt = spoilt_rows(run.ode.field(pairs.source, pairs.target)(times, states))
    if not spoilt:
        return ""
    named = _pair_name(pairs, spoilt[0], latents)
    return f", every pair, the first of them {named}" if len(spoilt) == len(pairs) else f", {named}"


def _pair_name(pairs: PairBatch, row: int, latents: Latents) -> str:
    """How a message calls a pair: "pattern 17 (p4) to pattern 3 (p6m)"; same pairs are of no pattern."""
    names = []
    for latent, group in ((pairs.z_source[row], pairs.source[row]), (pairs.z_target[row], pairs.target[row])):
        found = (latents.mean == latent.cpu()).all(dim=1).nonzero()
        known = pattern_name(int(latents.index[found[0, 0]]), int(group)) if len(found) else ""
        names.append(known or f"a latent of {GROUP_NAMES[int(group)]}")
    return " to ".join(names)
