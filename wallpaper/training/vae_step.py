"""One optimiser step of a VAE's training, and what is said of one that cannot be taken.

Knows no epochs.
"""

from __future__ import annotations

import math

import torch

from wallpaper.training.failures import memory_errors, pattern_name, spoilt_rows
from wallpaper.training.pattern_source import Indices, PatternSource, images
from wallpaper.training.schedule import learning_rate
from wallpaper.training.stopping import TrainingError
from wallpaper.training.vae_batches import VaeBatch
from wallpaper.training.vae_config import VaeConfig
from wallpaper.training.vae_run import VaeRun

_BROKEN = "is not finite itself: correct the dataset"


def take_step(run: VaeRun, batch: VaeBatch) -> float:
    """Take one step, count it in `run`, and return the loss.

    Raises: TrainingError: loss or gradient is not finite, or the memory does not suffice; nothing is saved then.
    """
    with memory_errors(lambda: place(run), run.config.batch_size):
        return _take_step(run, batch)


def _take_step(run: VaeRun, batch: VaeBatch) -> float:
    config, world = run.config, run.world
    terms, outputs = run.objective(batch.image, batch.group, batch.noise, batch.symmetry)
    loss = terms["reconstruction"] + config.beta * terms["kl"]
    if "invariance" in terms:
        loss = loss + config.lambda_inv * terms["invariance"]
    weight = world.weight(batch.count)
    run.optimiser.zero_grad()
    (loss * (weight * world.size) if world.size > 1 else loss).backward()
    norm = torch.nn.utils.clip_grad_norm_(run.vae.parameters(), config.gradient_clip)
    for parameters in run.optimiser.param_groups:
        parameters["lr"] = rate(run, run.step)
    run.optimiser.step()
    means = world.sum(torch.stack([loss.detach(), *(term.detach() for term in terms.values())]) * weight)
    total: float
    total, *values = torch.cat([means, norm.detach()[None]]).tolist()  # one wait for the device in a step
    if not (math.isfinite(total) and math.isfinite(values[-1])):
        what, value = ("gradient", values[-1]) if math.isfinite(total) else ("loss", total)
        raise not_finite(run, what, value, place(run), _suspects(run, batch, outputs))
    run.count(dict(zip([*terms, "gradient_norm"], values, strict=True)), batch)
    return total


def rate(run: VaeRun, step: int) -> float:
    """The learning rate of a step."""
    config = run.config
    return learning_rate(config.learning_rate, step, run.steps, config.scheduler, config.warmup)


def place(run: VaeRun) -> str:
    """Where the run is, for a message."""
    return f"epoch {run.epoch}, batch {run.position + 1}"


def not_finite(run: VaeRun, what: str, value: float, where: str, suspects: str = "") -> TrainingError:
    """The error for a number that must be finite; `suspects` says which patterns are to blame, and the remedy."""
    remedy = suspects or _remedy(run.config)
    return TrainingError(
        f"the {what} must be finite, but is {value} in {where}; {remedy}. Checkpoints saved in {run.folder} are intact"
    )


def broken_pattern(source: PatternSource, indices: Indices, resolution: int) -> str:
    """The first pattern that is not finite itself, as a clause for `not_finite`; empty if all are."""
    for index in indices:
        if spoilt_rows(images(source, indices[indices == index], resolution)):
            return f"{pattern_name(int(index), int(source.labels[index]))} {_BROKEN}"
    return ""


def _suspects(run: VaeRun, batch: VaeBatch, outputs: tuple[torch.Tensor, ...]) -> str:
    """Which patterns of the batch spoil a step, and what can be done."""
    config = run.config
    broken = spoilt_rows(batch.image)
    if broken:
        return f"{_named(batch, broken)} {_BROKEN}"
    lower = _remedy(config)
    spoilt = spoilt_rows(*outputs)
    if not spoilt:
        return f"all patterns of the batch come out finite: {lower}"
    if len(spoilt) == len(batch.index):
        return f"every pattern of the batch comes out so, the first of them {_named(batch, spoilt)}: {lower}"
    return f"{_named(batch, spoilt)} comes out so: {lower}"


def _named(batch: VaeBatch, rows: list[int]) -> str:
    return pattern_name(int(batch.index[rows[0]]), int(batch.group[rows[0]]))


def _remedy(config: VaeConfig) -> str:
    return f"train again with a lower `learning_rate` than {config.learning_rate:g}" + (
        ", or in float32" if config.precision != "float32" else ""
    )
