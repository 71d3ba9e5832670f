"""What a training step of the VAE costs, and where its time goes.

`python -m benchmarks.training`: shares of an epoch of the real loop, the exact projection against interpolation and
against a loop over operations, memory layouts and bf16, reading, counted operations, memory, and what a full run
would take on this machine. Data are noise of each group's symmetry: nothing here depends on what patterns look like.

Predictions, written before the first run: in an epoch of the preset laptop the convolutions take at least 50 % (the
aim is 90 %; predicted: 60 %, of a laptop preset with wider layers), the projection at most 5 % (the aim is 3 %) and
reading at most 2 %; in one of plan at 256 samples the convolutions at least 60 % (predicted: 80 %; but in batches of
4 the optimiser's passes over 31 M weights count) and the projection at most 3 %. The exact projection leaves a
residual of 0 and costs at most 1/5 of interpolation on a batch of all groups and 1/2 of a loop; interpolation leaves
more than 1e-3 on p6m. Memory-mapped uint8 is read at least 1.2 times as fast as float32 through h5py (predicted: 3;
but from the page cache most of the time goes into the float32 result, either way). Exits 1 if one fails.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import click
import h5py
import numpy as np
import torch
from torch import Tensor

from benchmarks.measuring import FILE, Findings, Job, begin, checked_device, checked_file, median_ms, peak_mb
from benchmarks.shares import ONCE, epoch_shares
from benchmarks.symmetrising import by_interpolation, by_loop, exact_residual, interpolation_residual
from benchmarks.synthetic import FRACTIONS, write_patterns
from benchmarks.vae_arms import AS_IT_IS, LARGE_SIDE, WAYS, VaeStep
from wallpaper.data import PatternStore
from wallpaper.plane import plane_group
from wallpaper.symmetry import project
from wallpaper.training.config import from_mapping
from wallpaper.training.vae_config import PRESETS, VaeConfig

FEWEST_CONVOLUTIONS = {"laptop": 0.5, "plan": 0.6}
MOST_PROJECTION = {"laptop": 0.05, "plan": 0.03}
MOST_READING = 0.02
MOST_OF_INTERPOLATION, MOST_OF_LOOP, LEAST_INTERPOLATION_RESIDUAL = 0.2, 0.5, 1e-3
LEAST_READING = 1.2
FULL_PATTERNS = 8500
"""Of a dataset of 500 a group. Every one of them counts as trained on in every epoch."""


Configs: TypeAlias = Mapping[str, VaeConfig]
"""Presets by name, with what --set changes."""


def shares(found: Findings, configs: Configs, device: str) -> None:
    """One epoch of the real loop, by kind."""
    for preset, whole_run in configs.items():
        config = replace(whole_run, epochs=1, batch_size=VaeStep(whole_run, device).batch)
        steps = 20 if config.resolution < LARGE_SIDE or device == "cuda" else 4
        count = int(steps * config.batch_size / FRACTIONS["train"]) + 17
        with TemporaryDirectory() as name:
            store = PatternStore(write_patterns(Path(name) / "patterns.h5", count, config.resolution))
            seconds = epoch_shares(config, store, Path(name) / "run", device)
        whole = sum(taken for kind, taken in seconds.items() if kind not in ONCE)
        parts = {kind: None if kind in ONCE else taken / whole for kind, taken in seconds.items()}
        rows = [
            {"epoch spent in": kind, "s": taken, "%": None if (part := parts[kind]) is None else 100 * part}
            for kind, taken in seconds.items()
        ]
        title = f"An epoch of the preset {preset}: {steps} steps of {config.batch_size} and validation"
        found.table(title, rows, f"%: without what comes once however many steps there are, {' and '.join(ONCE)}")
        _predict_shares(found, preset, {kind: part for kind, part in parts.items() if part is not None})


def _predict_shares(found: Findings, preset: str, part: dict[str, float]) -> None:
    if preset not in FEWEST_CONVOLUTIONS:
        return
    fewest, most = FEWEST_CONVOLUTIONS[preset], MOST_PROJECTION[preset]
    convolutions, projection, data = part["convolutions"], part["projection"], part["data"]
    found.predict(f"{preset}: convolutions take >= {fewest:.0%}", convolutions >= fewest, f"{convolutions:.1%}")
    found.predict(f"{preset}: the projection takes <= {most:.0%}", projection <= most, f"{projection:.1%}")
    found.predict(f"{preset}: reading takes <= {MOST_READING:.0%}", data <= MOST_READING, f"{data:.1%}")


def projection(found: Findings, device: str, repeats: int) -> None:
    """Forward and backward of a batch, and what is left of the asymmetry."""
    projections = {"exact (ours)": project, "a loop over operations": by_loop, "grid_sample": by_interpolation}
    rows: list[dict[str, Any]] = []
    for what, labels in (("all groups", torch.arange(17)), ("p4m", torch.full((17,), 11)), ("p6m", _p6m(17))):
        image = torch.rand(len(labels), 3, 64, 64, generator=torch.Generator().manual_seed(0)).to(device)
        jobs = {name: partial(_there_and_back, way, image, labels) for name, way in projections.items()}
        taken = median_ms(jobs, repeats=repeats, device=device)
        for name, ms in taken.items():
            residual = _residual(name, projections[name](image, labels), labels)
            ratio = ms / taken["exact (ours)"]
            rows.append({"17 images of 64 x 64": f"{what}: {name}", "ms": ms, "x ours": ratio, "residual": residual})
        if what == "all groups":
            _predict_projection(found, taken)
    found.table("Projection, forward and backward", rows, "residual: of grid_sample under turns, by its own sampling")
    exact = max(row["residual"] for row in rows if "ours" in row["17 images of 64 x 64"])
    found.predict("the exact projection's residual is 0", exact == 0, f"{exact:g}")
    left = rows[-1]["residual"]
    text = f"interpolation's residual on p6m is > {LEAST_INTERPOLATION_RESIDUAL:g}"
    found.predict(text, left > LEAST_INTERPOLATION_RESIDUAL, f"{left:.2g}")


def _p6m(count: int) -> Tensor:
    return torch.full((count,), plane_group("p6m").index)


def _there_and_back(way: Callable[[Tensor, Tensor], Tensor], image: Tensor, group: Tensor) -> None:
    leaf = image.detach().requires_grad_()
    way(leaf, group).backward(image)


def _residual(name: str, result: Tensor, labels: Tensor) -> float:
    measure = interpolation_residual if name == "grid_sample" else exact_residual
    return max(measure(image[None], label) for image, label in zip(result, labels.tolist(), strict=True))


def _predict_projection(found: Findings, taken: dict[str, float]) -> None:
    for other, most in (("grid_sample", MOST_OF_INTERPOLATION), ("a loop over operations", MOST_OF_LOOP)):
        ratio = taken["exact (ours)"] / taken[other]
        found.predict(f"the exact projection takes <= {most:g} of {other}", ratio <= most, f"{ratio:.3f}")


def ways(found: Findings, preset: str, config: VaeConfig, device: str, repeats: int) -> None:
    """A whole step, with one thing done in another way."""
    arms = {way: VaeStep(config, device, way) for way in WAYS}
    taken = median_ms(arms, repeats=repeats, device=device)
    first = taken[AS_IT_IS]
    rows = [{"step": way, "ms": ms, "x as it is": ms / first, "loss": arms[way]()} for way, ms in taken.items()]
    found.table(f"A step of the preset {preset}, batch {arms[AS_IT_IS].batch}", rows)


def reading(found: Findings, repeats: int) -> None:
    """A random batch of 32 at 256 samples, warm in the page cache; on the CPU."""
    rows = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        small = write_patterns(folder / "uint8.h5", 96, 256)
        large = write_patterns(folder / "float32.h5", 96, 256, "float32")
        store = PatternStore(small)
        order = np.random.default_rng(0).permutation(96)[:32]
        with h5py.File(large) as file:
            jobs: dict[str, Job] = {
                "float32 through h5py, one by one": partial(_read_by_h5py, file["patterns"], order),
                "uint8 through a memory map (ours)": partial(store.batch, order),
            }
            taken = median_ms(jobs, repeats=repeats)
        plainly, ours = taken.values()
        for (what, ms), path in zip(taken.items(), (large, small), strict=True):
            size = path.stat().st_size / 96 / 1e6
            rows.append({"reading": what, "ms an image": ms / 32, "x faster": plainly / ms, "MB an image": size})
    found.table("Reading a random batch of 32 images of 256 x 256 as float32 tensors", rows)
    found.predict(
        f"the memory map is >= {LEAST_READING:g} x as fast", plainly / ours >= LEAST_READING, f"{plainly / ours:.1f}"
    )


def _read_by_h5py(patterns: h5py.Dataset, order: Iterable[int]) -> Tensor:
    return torch.stack([torch.from_numpy(patterns[int(index)]).permute(2, 0, 1) for index in order]).contiguous()


def operations(found: Findings, configs: Configs, device: str, repeats: int) -> None:
    """Counted operations, what this machine reaches, and how long the full run would take it."""
    rows = []
    for preset, config in configs.items():
        step = VaeStep(config, device)
        counted = step.operations()
        ms = median_ms({preset: step}, repeats=repeats, device=device)[preset]
        rate = step.batch / ms * 1e3
        epochs = step.config.epochs
        rows.append(
            {
                "preset": preset,
                "side": step.config.resolution,
                "parameters, M": sum(weight.numel() for weight in step.vae.parameters()) / 1e6,
                "GFLOP an image": counted / 1e9,
                "batch": step.batch,
                "images/s": rate,
                "GFLOP/s": counted * rate / 1e9,
                "epochs": epochs,
                "full run, h": FULL_PATTERNS * epochs / rate / 3600,
            }
        )
    note = (
        "operations of a training step as torch counts them (matrix products and convolutions, forward and backward);\n"
        f"full run: extrapolated from images/s to {FULL_PATTERNS} images an epoch, steps only"
    )
    found.table("Operations", rows, note)


def memory(found: Findings, configs: Configs, device: str) -> None:
    """Peak memory that a step adds, each in a fresh process."""
    first = next(iter(configs))
    arms = [(preset, AS_IT_IS) for preset in configs] + [(first, way) for way in WAYS[1:]]
    rows = []
    for preset, way in arms:
        peak = peak_mb(partial(VaeStep, configs[preset], device, way), device)
        batch = VaeStep(configs[preset], device).batch
        rows.append({"step": f"{preset}: {way}", "batch": batch, "MB": peak, "MB an image": peak / batch})
    found.table("Peak memory of a step, model and optimiser included", rows)


SECTIONS = ("shares", "projection", "ways", "reading", "operations", "memory")


def chosen_configs(presets: Iterable[str], changes: Iterable[str]) -> Configs:
    """Raises: click.UsageError: a change that is not NAME=VALUE, or that a preset does not take."""
    pairs = [change.partition("=") for change in changes]
    if wrong := [name for name, sign, _ in pairs if not sign]:
        raise click.UsageError(f"--set must be NAME=VALUE, but got {wrong[0]!r}")
    values = {name: value for name, _, value in pairs}
    try:
        return {preset: from_mapping(VaeConfig, values, VaeConfig.preset(preset)) for preset in presets}
    except ValueError as error:
        raise click.UsageError(str(error)) from error


@click.command()
@click.option("--section", type=click.Choice(SECTIONS), multiple=True, help="Only this; may be given several times.")
@click.option("--preset", type=click.Choice(tuple(PRESETS)), multiple=True, help="Only this one; default all.")
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="Change a setting of every preset.")
@click.option("--repeats", type=click.IntRange(1), default=5, show_default=True, help="Turns of each comparison.")
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="torch's CPU threads.")
@click.option("--device", type=click.Choice(("cpu", "cuda")), default="cpu", show_default=True, callback=checked_device)
@click.option("--json", "path", type=FILE, callback=checked_file, help="Also write all figures here.")
def main(
    section: tuple[str, ...],
    preset: tuple[str, ...],
    changes: tuple[str, ...],
    repeats: int,
    threads: int,
    device: str,
    path: Path | None,
) -> None:
    """Measure a training step of the VAE: shares, projection, ways, reading, operations, memory.

    Three minutes of CPU time. Times are CPU milliseconds (on a GPU: by the clock), each table's ways measured in
    turn; on a CPU, presets of 128 samples a side and more take batches of 4. Exit code 1: a prediction of the module's
    docstring failed.

    \b
    What a GPU makes of the full size:
      python -m benchmarks.training --device cuda --section operations --preset plan --set precision=bf16
    """
    configs = chosen_configs(preset or PRESETS, changes)
    found = begin("python -m benchmarks.training", device, threads)
    found.about["changes"] = list(changes)
    typical = "laptop" if "laptop" in configs else next(iter(configs))
    jobs: dict[str, Callable[[], None]] = {
        "shares": partial(shares, found, configs, device),
        "projection": partial(projection, found, device, repeats),
        "ways": partial(ways, found, typical, configs[typical], device, repeats),
        "reading": partial(reading, found, repeats),
        "operations": partial(operations, found, configs, device, repeats),
        "memory": partial(memory, found, {typical: configs[typical], **configs}, device),
    }
    for name in section or SECTIONS:
        jobs[name]()
    sys.exit(found.close(path))


if __name__ == "__main__":
    main()
