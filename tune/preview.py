"""What a search would do, shown without doing it: the space, the first points, the resources, how long it may take.

A few steps of the first trial are taken for the time; nothing is written. Knows no Ray.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import torch

from tune.board import duration, short
from tune.campaign import Part
from tune.options import Options
from wallpaper.data import Latents, PatternStore
from wallpaper.training.rehearsal import rehearse_ode, rehearse_vae
from wallpaper.training.vae_run import build_vae, load_vae

PER_GROUP = 16
"""Latents of each group that the time of the ODE is taken with; they are drawn at random."""


def preview(options: Options, parts: Sequence[Part], data: Path, vae: Path | None) -> None:
    """Print it. Raises: ValueError: data and settings do not fit."""
    store, known = PatternStore(data), not options.address
    click.echo(f"data        {data}: {len(store)} patterns of {store.side} x {store.side}")
    for part in parts:
        _say_part(part, options)
        resources = options.resources_of(part.phase)
        concurrent = resources.room(resources.here()) if known else options.concurrent or max(1, options.gpus)
        seconds = _trial_seconds(part, parts, store, vae, resources.device)
        together = min(concurrent, options.trials)
        rounds = -(-options.trials // together)
        click.echo(
            f"time        about {duration(seconds)} a trial and its validations, {together} at a time: at most about "
            f"{duration(seconds * rounds)} for {options.trials}"
        )
        where = f"{resources.gpus_per_trial:g} GPU(s)" if options.gpus else "no GPU"
        click.echo(f"resources   {where} and {resources.cpus} CPU(s) a trial; {concurrent} trials at a time"
                   + ("" if known else f", if {options.address} has room"))  # fmt: skip
    if options.time_budget:
        click.echo(f"budget      {options.time_budget} for all")
    click.echo("Nothing was written.")


def _say_part(part: Part, options: Options) -> None:
    title = part.phase.title
    objectives = ", ".join(f"{each.direction} {each.title}" for each in part.objectives)
    click.echo(f"\n{title}: {options.trials} trials of {part.space.base.epochs} epochs, {options.sampler} and "
               f"{options.scheduler}; {objectives}")  # fmt: skip
    for dimension in part.space.dimensions:
        when = " and ".join(f"{name} is {' or '.join(map(str, values))}" for name, values in dimension.when.items())
        click.echo(f"  {dimension.field:<16} {dimension}{f'   when {when}' if when else ''}")
    seen: list[Any] = []
    for point in part.points:
        if point not in seen:
            seen.append(point)
            click.echo("  first tried      " + ", ".join(f"{name} {short(value)}" for name, value in point.items()))


def _trial_seconds(part: Part, parts: Sequence[Part], store: PatternStore, vae: Path | None, device: str) -> float:
    base = part.space.base
    if part.phase.name == "vae":
        return rehearse_vae(base, store, device).seconds
    model = load_vae(vae) if vae is not None else build_vae(parts[0].space.base)
    labels = torch.from_numpy(store.labels).unique().repeat_interleave(PER_GROUP)
    drawn = torch.randn(len(labels), model.latent_dim, generator=torch.Generator().manual_seed(0))
    latents = Latents(drawn, labels, places=model.places)
    return rehearse_ode(replace(base, coupling="random"), latents, device).seconds
