"""What a step of the transition field costs, against the preset baseline's way and other solvers.

`python -m benchmarks.ode`: batch 64, 50 output times, dopri5 at rtol 1e-4 and atol 1e-5, the dense field (hidden 256,
embeddings 32), trained for a moment on synthetic latents so that its paths have somewhere to go.

Predictions, written before the first run: a flow matching step is at least 300 times faster than baseline's (dopri5 by
torchdiffeq's adjoint, its three losses), plain backpropagation at least 10 times; every solver finds that loss to
1e-3; 8 steps of rk4 and of midpoint end within 1 % of the path's length from a tight dopri5; midpoint gives 50 frames
in at most the time of dopri5 (rk4 was to as well, and takes as long: 33 evaluations against 20); what is cached
(latents, couplings, index maps) is at least 20 times cheaper the second time; no step of ours adds more memory than
baseline's and 50 MB (predicted: 20; rk4 keeps 24 more for the way back). Exits 1 if one fails.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import torch
from torch import Tensor
from torchdiffeq import odeint

from benchmarks.measuring import FILE, Findings, Job, begin, checked_device, checked_file, median_ms, peak_mb
from benchmarks.ode_arms import (
    ATOL,
    FIXED_STEPS,
    RTOL,
    TIME_POINTS,
    PlainField,
    copied,
    counting,
    memory_job,
    synthetic_latents,
    torch_arms,
    warm_field,
)
from benchmarks.other_solvers import other_arms
from benchmarks.synthetic import write_patterns
from wallpaper.data import PatternStore
from wallpaper.data.latents import Latents, cached_latents
from wallpaper.models.ode import TransitionODE, uniform_times
from wallpaper.symmetry.index_maps import group_orbits
from wallpaper.training.couplings import OptimalCoupling, PairBatch
from wallpaper.training.vae_config import VaeConfig
from wallpaper.training.vae_run import build_vae

BASELINE = "torchdiffeq odeint_adjoint (baseline)"
FLOW = "ours, flow matching"
LEAST_FLOW_RATIO, LEAST_PLAIN_RATIO, MOST_LOSS_ERROR = 300, 10, 1e-3
MOST_PATH_ERROR, LEAST_CACHE_RATIO, MORE_MB = 0.01, 20, 50
TIGHT = 1e-9
"""Tolerance of the dopri5 in float64 that counts as the true path."""


def steps(found: Findings, ode: TransitionODE, pairs: PairBatch, device: str, repeats: int) -> None:
    """One training step, every way."""
    arms = torch_arms(ode, pairs, device)
    others, left_out = other_arms(ode, pairs, device)
    arms |= others
    losses, calls = {}, {}
    for name, arm in arms.items():
        with counting(arm.counted) as seen:
            losses[name] = arm.step()
        calls[name] = len(seen) if arm.counted is not None else None
    taken = median_ms({name: arm.step for name, arm in arms.items()}, repeats=repeats, device=device)
    rows = [
        {"step": name, "ms": ms, "x faster": taken[BASELINE] / ms, "evaluations": calls[name], "loss": losses[name]}
        for name, ms in taken.items()
    ]
    note = "evaluations: calls of the field, forward and backward; flow matching's loss is another than baseline's"
    found.table("One training step of the transition field", rows, "\n".join([note, *left_out]))
    ratio, plain = taken[BASELINE] / taken[FLOW], taken[BASELINE] / taken["torchdiffeq odeint"]
    found.predict(f"a flow matching step is >= {LEAST_FLOW_RATIO} x faster", ratio >= LEAST_FLOW_RATIO, f"{ratio:.0f}")
    found.predict(f"plain dopri5 is >= {LEAST_PLAIN_RATIO} x faster", plain >= LEAST_PLAIN_RATIO, f"{plain:.0f}")
    error = max(abs(loss / losses[BASELINE] - 1) for name, loss in losses.items() if name != FLOW)
    text = f"every solver finds baseline's loss to {MOST_LOSS_ERROR:g}"
    found.predict(text, error <= MOST_LOSS_ERROR, f"{error:.1e}")


def sampling(found: Findings, ode: TransitionODE, pairs: PairBatch, device: str, repeats: int) -> None:
    """50 frames of one path and of 64, without gradients."""
    ode, pairs, rows = ode.to(device), pairs.to(device), []
    exact = _end(copied(ode.double(), device, rtol=TIGHT, atol=TIGHT), pairs, torch.float64)
    ode = ode.float()
    path = ode.solve(pairs.z_source, pairs.source, pairs.target, uniform_times(TIME_POINTS))
    length = float(path.length.detach().mean())
    for batch in (1, len(pairs)):
        part = pairs[:batch]
        jobs, evaluations = _sampling_jobs(ode, part, device)
        taken = median_ms(jobs, repeats=repeats, device=device)
        for name, ms in taken.items():
            ratio = taken[f"torchdiffeq dopri5, batch {batch}"] / ms
            rows.append({"50 frames": name, "ms": ms, "x faster": ratio, "NFE": evaluations[name]})
        if batch > 1:
            fixed = ms_of(taken, "midpoint", batch) / ms_of(taken, "torchdiffeq", batch)
            found.predict("midpoint gives 50 frames in the time of dopri5", fixed <= 1, f"{fixed:.2f} of it")
    found.table("Sampling", rows)
    errors = []
    for solver in ("dopri5", "rk4", "midpoint", "euler"):
        own = copied(ode, device, solver=solver, steps=FIXED_STEPS)
        error = float((_end(own, pairs) - exact).norm(dim=1).max()) / length
        alone = float((_end(own, pairs)[:1] - _end(own, pairs[:1])).abs().max()) / length
        nfe = own.solve(pairs.z_source, pairs.source, pairs.target).nfe
        errors.append({"solver": solver, "NFE": nfe, "largest end error": error, "alone against in a batch": alone})
        if solver in ("rk4", "midpoint"):
            text = f"{FIXED_STEPS} steps of {solver} end within {MOST_PATH_ERROR:.0%} of the path's length"
            found.predict(text, error <= MOST_PATH_ERROR, f"{error:.2%}")
    found.table(f"End points of {len(pairs)} paths", errors, "in mean path lengths, against dopri5 at 1e-9 in float64")


def ms_of(taken: dict[str, float], start: str, batch: int) -> float:
    """The time of the first job whose name begins so."""
    return next(ms for name, ms in taken.items() if start in name and name.endswith(f"batch {batch}"))


def _sampling_jobs(ode: TransitionODE, pairs: PairBatch, device: str) -> tuple[dict[str, Job], dict[str, int]]:
    times, batch = uniform_times(TIME_POINTS).to(device), len(pairs)
    field = PlainField(ode, pairs).to(device)
    start = ode.standardise(pairs.z_source)
    literal = partial(odeint, field, start, times, rtol=RTOL, atol=ATOL, method="dopri5")
    jobs: dict[str, Job] = {f"torchdiffeq dopri5, batch {batch}": torch.no_grad()(literal)}
    with counting(field.last) as seen, torch.no_grad():
        literal()
    evaluations = {f"torchdiffeq dopri5, batch {batch}": len(seen)}
    for solver in ("dopri5", "rk4", "midpoint"):
        own = copied(ode, device, solver=solver, steps=FIXED_STEPS)
        name = f"ours, {solver}{'' if solver == 'dopri5' else f', {FIXED_STEPS} steps'}, batch {batch}"
        solve = partial(own.solve, pairs.z_source, pairs.source, pairs.target, times)
        jobs[name] = torch.no_grad()(solve)
        evaluations[name] = solve().nfe
    return jobs, evaluations


@torch.no_grad()
def _end(ode: TransitionODE, pairs: PairBatch, dtype: torch.dtype = torch.float32) -> Tensor:
    return ode.solve(pairs.z_source.to(dtype), pairs.source, pairs.target).latents[-1].double()


def caches(found: Findings, points: int) -> None:
    """What is computed once: its first use and a later one. On the CPU, where they are computed."""
    rows = []
    with TemporaryDirectory() as name:
        for what, job, again in _cached(Path(name), points):
            first, later = (_cpu_ms(each) for each in (job, again))
            rows.append({"computed once": what, "first ms": first, "again ms": later, "x faster": first / later})
            text = f"{what.partition(':')[0]} again are >= {LEAST_CACHE_RATIO} x cheaper"
            found.predict(text, first / later >= LEAST_CACHE_RATIO, f"{first / later:.0f}")
    found.table("Caches", rows)


def _cached(folder: Path, points: int) -> list[tuple[str, Job, Job]]:
    store = PatternStore(write_patterns(folder / "patterns.h5", 17 * 20, 64))
    vae = build_vae(VaeConfig.preset("laptop"))
    latents = synthetic_latents(64, points=points)
    encode = partial(cached_latents, store, vae, "benchmark", folder)
    couple = partial(OptimalCoupling, latents, cache=folder / "coupling.npz")
    return [
        (f"latents: {len(store)} patterns of 64 x 64", encode, encode),
        (f"couplings: 136 pairs of groups, {points} latents of 64-D each", couple, couple),
        ("index maps: 17 groups, 256 x 256 samples", partial(group_orbits.__wrapped__, 256), _warm_index_maps()),
    ]


def _warm_index_maps() -> Job:
    group_orbits(256)
    return partial(group_orbits, 256)


def _cpu_ms(job: Callable[[], object]) -> float:
    started = time.process_time_ns()
    job()
    return max(time.process_time_ns() - started, 1) / 1e6


def memory(found: Findings, latents: Latents, device: str) -> None:
    """Peak memory that a step adds, each in a fresh process."""
    names = (BASELINE, "torchdiffeq odeint", "ours, dopri5", f"ours, rk4, {FIXED_STEPS} steps", FLOW)
    peaks = {name: peak_mb(partial(memory_job, latents, name, device), device) for name in names}
    found.table("Peak memory of a step", [{"step": name, "MB": peak} for name, peak in peaks.items()])
    most = max(peak - peaks[BASELINE] for name, peak in peaks.items() if name.startswith("ours"))
    found.predict(f"ours add at most {MORE_MB} MB more than baseline's", most <= MORE_MB, f"{most:.0f} MB")


SECTIONS = ("step", "sampling", "caches", "memory")


@click.command()
@click.option("--section", type=click.Choice(SECTIONS), multiple=True, help="Only this; may be given several times.")
@click.option("--repeats", type=click.IntRange(1), default=5, show_default=True, help="Turns of each comparison.")
@click.option("--latent-dim", type=click.IntRange(1), default=2, show_default=True, help="The preset plan has 2.")
@click.option("--points", type=click.IntRange(2), default=150, show_default=True, help="Latents a group to couple.")
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="torch's CPU threads.")
@click.option("--device", type=click.Choice(("cpu", "cuda")), default="cpu", show_default=True, callback=checked_device)
@click.option("--json", "path", type=FILE, callback=checked_file, help="Also write all figures here.")
def main(
    section: tuple[str, ...], repeats: int, latent_dim: int, points: int, threads: int, device: str, path: Path | None
) -> None:
    """Measure the transition field's step, sampling, caches and memory.

    One and a half minutes of CPU time. Times are CPU milliseconds (on a GPU: by the clock); "x faster" is against the
    table's first line, measured in turn with the others. torchode and diffrax take part where they are installed
    (pip install -e ".[benchmarks]"). Exit code 1: a prediction of the module's docstring failed.
    """
    found = begin("python -m benchmarks.ode", device, threads)
    chosen = section or SECTIONS
    latents = synthetic_latents(latent_dim)
    ode, pairs = warm_field(latents)
    if "step" in chosen:
        steps(found, ode, pairs, device, repeats)
    if "sampling" in chosen:
        sampling(found, ode, pairs, device, repeats)
    if "caches" in chosen:
        caches(found, points)
    if "memory" in chosen:
        memory(found, latents, device)
    sys.exit(found.close(path))


if __name__ == "__main__":
    main()
