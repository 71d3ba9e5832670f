"""Training of the transition field: AdamW with a schedule, clipping, validation, checkpoints and an exact resume.

The loop computes and reports; pictures, trackers and searches are its caller's. The pairs and times of an
epoch follow from (seed, epoch) and a CPU computes on one thread, so an interrupted run goes on to the same
numbers bit for bit. Kept as best is the epoch whose end points are distributed most like held-out latents of the
target, or with coupling projection the one that knows best where held-out latents go (see `ode_config.criterion`): an
endpoint error on random pairs would prefer a collapse. Read `fit_ode` first.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wallpaper.data.latents import Latents
from wallpaper.data.pairs import RealTransitionDataset
from wallpaper.models.ode import TransitionODE
from wallpaper.models.solvers import SolveError
from wallpaper.training.checkpoint import BEST, load_checkpoint, load_weights, weights_digest
from wallpaper.training.couplings import Coupling, PairBatch
from wallpaper.training.failures import memory_errors
from wallpaper.training.objectives import flow_loss
from wallpaper.training.ode_config import FLOW, OdeConfig
from wallpaper.training.ode_pairs import coupling_of, epoch_pairs, held_out_batch, held_out_pairs, validation_pairs
from wallpaper.training.ode_run import OdeRun, begin_run, model_of, resume_run
from wallpaper.training.ode_step import take_step, train_row
from wallpaper.training.projected import Painter
from wallpaper.training.report import Progress, Report, Row, silent
from wallpaper.training.stopping import Interrupted, Stop, TrainingError, never
from wallpaper.training.transport_metrics import pair_table, summary

AT_ONCE = 64
"""Held-out pairs whose velocity is asked for at once."""


@dataclass(frozen=True, slots=True)
class OdeResult:
    """A finished training."""

    folder: Path
    """Holds config.json, history.json, best.safetensors and last.safetensors."""
    best_epoch: int
    """Epoch of the lowest `criterion`."""
    history: list[Row]
    """One row per epoch, oldest first."""
    ode: TransitionODE
    """The best epoch's model, on the CPU, in evaluation mode."""
    digest: str
    """sha256 of its weights."""


def fit_ode(
    config: OdeConfig,
    train: Latents,
    held_out: Latents,
    folder: Path,
    *,
    same_pairs: RealTransitionDataset | None = None,
    painter: Painter | None = None,
    vae_info: Mapping[str, Any] | None = None,
    coupling_cache: Path | None = None,
    report: Report = silent,
    progress: Progress = silent,
    resume: bool = False,
    stop: Stop = never,
    device: str | torch.device = "cpu",
) -> OdeResult:
    """Train a transition field between the groups of `train`, and keep the epoch that validates best.

    Args:
        train, held_out: latents of the train and val split; both with at least two of a group to validate on it.
        folder: takes config.json, history.json, best.safetensors, last.safetensors; an older run in it is replaced.
        same_pairs: a dataset in mode "same"; needed by transition_mode same and mixed.
        painter: the VAE; needed by coupling projection unless `coupling_cache` holds its pairs.
        vae_info: plain data about the latents' VAE, kept in every checkpoint.
        coupling_cache: file that keeps the coupling.
        report: gets one row per epoch after its checkpoints are written; may raise to end the run.
        progress: gets (batches done, batches in all) after each batch.
        resume: go on from the folder's last checkpoint, which must be of the same settings (but for
            `epochs` and the like, which may change) and latents.
        stop: polled after each batch; when true, `last` is saved and `Interrupted` raised.
    Raises: ValueError: latents or pairs do not fit. CheckpointError: nothing to resume, or another run's.
        TrainingError: the loss is not finite, a path cannot be solved, memory or disk is full; saved checkpoints stay.
        Interrupted: see `stop`.
    """
    _check(config, train, held_out, same_pairs)
    without = held_out_pairs(config)
    validated = validation_pairs(train, held_out, config.validation_pairs, without=without)
    data = weights_digest({"train": train.mean, "labels": train.labels, "held_out": held_out.mean})
    run = (resume_run if resume else begin_run)(config, train, folder, data, dict(vae_info or {}), device)
    coupling = coupling_of(config, train, painter=painter, cache=coupling_cache)
    if same_pairs is not None:
        same_pairs.epoch_pairs(run.epoch)  # codes its images now, while torch has all its threads
    known = held_out_batch(config, held_out, painter=painter, cache=coupling_cache)
    with one_cpu_thread():
        _train(
            run, coupling, train, held_out, validated, known, same_pairs, report=report, progress=progress, stop=stop
        )
    ode = load_ode(folder)
    return OdeResult(folder, run.best_epoch, run.history, ode, weights_digest(ode.state_dict()))


@contextmanager
def one_cpu_thread() -> Iterator[None]:
    """torch computes on one CPU thread inside the block.

    The matrices of a step are too small to share: a second thread gains nothing on idle cores, costs ten times the
    time on busy ones, and makes the last bits of the sums differ from run to run.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _train(
    run: OdeRun,
    coupling: Coupling,
    train: Latents,
    held_out: Latents,
    validated: list[tuple[int, int]],
    known: tuple[PairBatch, Tensor] | None,
    same_pairs: RealTransitionDataset | None,
    *,
    report: Report,
    progress: Progress,
    stop: Stop,
) -> None:
    config, device = run.config, run.ode.latent_mean.device
    while not run.is_over:
        started = time.monotonic() - run.elapsed
        pairs, times = epoch_pairs(config, coupling, same_pairs, run.epoch)
        pairs, times = pairs.to(device), times.to(device)
        while run.position < run.batches_per_epoch:
            rows = slice(run.position * config.batch_size, (run.position + 1) * config.batch_size)
            take_step(run, pairs[rows], times[rows], train)
            progress(run.step, config.epochs * run.batches_per_epoch)
            run.elapsed = time.monotonic() - started
            if stop():
                run.save()
                raise Interrupted(run.folder, run.epoch)
        row = train_row(run, pairs, train)
        if run.epoch % config.validate_every == 0 or run.epoch == config.epochs:
            with (
                memory_errors(lambda: f"the validation of epoch {run.epoch}", config.batch_size),
                run.validated_weights(),
            ):
                row |= validate(run.ode, config, held_out, train, validated)
                row |= {} if known is None else {FLOW: held_out_flow(run.ode, *known)}
        row["seconds"] = time.monotonic() - started
        run.end_epoch(row)
        report(row)


def load_ode(folder: Path, name: str = BEST) -> TransitionODE:
    """The model of a run's checkpoint, on the CPU, in evaluation mode. Raises: CheckpointError."""
    checkpoint = load_checkpoint(folder, name)
    ode = model_of(checkpoint, folder / name)
    load_weights(ode, checkpoint.weights, folder / name)
    return ode.eval()


def validate(
    ode: TransitionODE, config: OdeConfig, held_out: Latents, train: Latents, pairs: list[tuple[int, int]]
) -> Row:
    """Metrics "val/<name>", means over `pairs`: see `PairMetrics`; endpoint is its endpoint_error."""
    try:
        table = pair_table(ode, held_out, train, pairs=pairs, points=config.validation_points)
    except SolveError as error:
        raise TrainingError(f"held-out latents must be carried over, but {error}; lower `learning_rate`") from error
    means = summary(table)
    means["endpoint"] = means.pop("endpoint_error")
    return {f"val/{name}": value for name, value in sorted(means.items())}


@torch.no_grad()
def held_out_flow(ode: TransitionODE, pairs: PairBatch, times: Tensor) -> float:
    """Flow-matching loss of all pairs of `held_out_batch`, in parts that are no larger than a step's."""
    device, total = ode.latent_mean.device, 0.0
    for rows in torch.arange(len(pairs)).split(AT_ONCE):
        total += float(flow_loss(ode, pairs[rows].to(device), times[rows].to(device))) * len(rows)
    return total / len(pairs)


def _check(config: OdeConfig, train: Latents, held_out: Latents, same_pairs: RealTransitionDataset | None) -> None:
    for split, latents in (("train", train), ("val", held_out)):
        if not len(latents):
            raise ValueError(
                f"the split {split!r} must hold at least one pattern, but is empty; generate more per group"
            )
        if not bool(latents.mean.isfinite().all()):
            raise ValueError(f"latents of the split {split!r} must be finite, but are not; train the VAE again")
    if train.dimension != held_out.dimension:
        raise ValueError(f"latents must have one dimension, but got {train.dimension} and {held_out.dimension}")
    if config.transition_mode == "cross":
        return
    if same_pairs is None or same_pairs.mode != "same":
        found = None if same_pairs is None else f"a dataset in mode {same_pairs.mode!r}"
        raise ValueError(
            f"transition_mode {config.transition_mode!r} needs `same_pairs` in mode 'same', but got {found}"
        )
    needed = config.pairs_per_epoch // (2 if config.transition_mode == "mixed" else 1)
    if len(same_pairs) < needed:
        raise ValueError(f"`same_pairs` must give {needed} pairs an epoch, but gives {len(same_pairs)}")
