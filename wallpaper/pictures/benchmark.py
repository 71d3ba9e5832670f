"""Test pictures for programs that recognise plane groups: exact truth, one disturbance at a time.

A folder holds Cartesian pictures, a folder for each variant, with `manifest.jsonl` (a line a picture),
`certificates.jsonl` (a line a pattern) and a README. All variants show the same patterns: only the disturbance differs.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wallpaper.data import sample_seed
from wallpaper.judge import Certificate, identify
from wallpaper.patterns import Pattern, generate_pattern
from wallpaper.patterns.pseudosymmetry import pseudosymmetric
from wallpaper.pictures.animation import write_png
from wallpaper.pictures.benchmark_readme import README
from wallpaper.pictures.placement import place
from wallpaper.pictures.render import picture_scale, render
from wallpaper.plane import GROUP_NAMES, plane_group

MANIFEST, CERTIFICATES = "manifest.jsonl", "certificates.jsonl"

FEWEST_CELLS, MOST_CELLS = 2.6, 4.5
"""Cells across a picture: two whole periods show at any angle."""

PATTERN_SIDE = 256
"""Samples of the cell that is rendered and certified."""

ATTEMPTS = 8
"""Seeds tried for a pattern that must bear every variant's pseudosymmetry."""

_STREAM = 1000
"""Set off the seeds from those of datasets: a benchmark never shows what a dataset of the same seed has."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Variant:
    """What is done to the pictures of one folder."""

    name: str
    noise: float = 0.0
    """Standard deviation of Gaussian noise a channel, as a share of full range."""
    jpeg: int | None = None
    """Quality of JPEG compression; None for PNG."""
    rotate: bool = False
    """Turned by any angle about any point."""
    pseudosymmetry: float | None = None
    """Correlation of the strongest false operation."""

    def __post_init__(self) -> None:
        if not 0 <= self.noise <= 1:
            raise ValueError(f"`0 <= noise <= 1` must hold, but got {self.noise}")
        if self.jpeg is not None and not 1 <= self.jpeg <= 100:
            raise ValueError(f"`1 <= jpeg <= 100` must hold, but got {self.jpeg}")


def variants(
    noise: Sequence[float] = (),
    jpeg: Sequence[int] = (),
    rotate: bool = False,
    pseudosymmetry: Sequence[float] = (),
    combine: bool = False,
) -> tuple[Variant, ...]:
    """`clean`, one variant for each disturbance, and one with the strongest of each if `combine`."""
    found = [Variant("clean")]
    found += [Variant("rotate", rotate=True)] if rotate else []
    found += [Variant(f"noise-{value:g}", noise=value) for value in dict.fromkeys(noise)]
    found += [Variant(f"jpeg-{value}", jpeg=value) for value in dict.fromkeys(jpeg)]
    found += [Variant(f"pseudosymmetry-{value:g}", pseudosymmetry=value) for value in dict.fromkeys(pseudosymmetry)]
    if combine:
        worst = Variant(
            "combined", max(noise, default=0.0), min(jpeg, default=None), rotate, max(pseudosymmetry, default=None)
        )
        found.append(worst)
    return tuple(found)


def make_benchmark(
    folder: Path | str,
    per_group: int,
    wanted: Sequence[Variant],
    *,
    size: int = 256,
    seed: int = 0,
    overwrite: bool = False,
    progress: Progress = lambda done, total: None,
) -> int:
    """Write the folder, whole or not at all, and return how many pictures it holds.

    Args:
        per_group: patterns of each group.
        size: pixels along each side.
        overwrite: replace a benchmark that is there; nothing else is ever replaced.
        progress: gets (pictures written, pictures in all).
    Raises: ValueError: an argument out of range. FileExistsError: the folder is there and not empty.
    """
    final = Path(folder)
    if per_group < 1 or size < 32 or seed < 0:
        raise ValueError(f"`per_group >= 1, size >= 32, seed >= 0` must hold, but got {per_group=}, {size=}, {seed=}")
    _refuse_existing(final, overwrite)
    work = final.with_name(f"{final.name}.partial")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    total = per_group * len(GROUP_NAMES) * len(wanted)
    try:
        with (work / MANIFEST).open("w") as rows, (work / CERTIFICATES).open("w") as certificates:
            for index in range(per_group * len(GROUP_NAMES)):
                _write_pattern(_Task(work, index, size, seed, tuple(wanted)), rows.write, certificates.write)
                progress((index + 1) * len(wanted), total)
        (work / "README.md").write_text(README.format(seed=seed, size=size, per_group=per_group), encoding="utf-8")
        if final.exists():
            shutil.rmtree(final)
        os.replace(work, final)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return total


@dataclass(frozen=True, slots=True)
class _Task:
    folder: Path
    index: int
    size: int
    seed: int
    variants: tuple[Variant, ...]


_Truth = tuple[NDArray[np.uint8], str | None, Certificate]
"""Pixels of a cell, the supergroup that it nearly has, its certificate."""


def _write_pattern(task: _Task, say_row: Callable[[str], Any], say_certificate: Callable[[str], Any]) -> None:
    """All pictures of one pattern."""
    pattern, truths = _truths(task)
    generator = np.random.default_rng([task.seed, task.index, _STREAM])
    cells, turn = float(generator.uniform(FEWEST_CELLS, MOST_CELLS)), float(generator.uniform(0, 360))
    x, y = generator.random(2).tolist()
    name = f"{pattern.group}-{task.index // len(GROUP_NAMES):05d}"
    for strength, (_, _, certificate) in truths.items():
        row = {"id": _certificate_id(name, strength), "seed": pattern.seed, **certificate.to_dict()}
        say_certificate(json.dumps(row) + "\n")
    for variant in task.variants:
        rotation, centre = (turn, (x, y)) if variant.rotate else (0.0, (0.0, 0.0))
        truth = truths[variant.pseudosymmetry]
        scale = picture_scale([pattern.lattice], task.size, cells)
        drawn = render(truth[0], pattern.lattice, size=task.size, scale=scale, rotation=rotation, centre=centre)
        if variant.noise:
            drawn = np.clip(np.rint(drawn + generator.normal(0, 255 * variant.noise, drawn.shape)), 0, 255)
        file = Path(variant.name) / pattern.group / f"{name}.{'png' if variant.jpeg is None else 'jpg'}"
        _save(task.folder / file, drawn.astype(np.uint8), variant.jpeg)
        placed = place(pattern.lattice, task.size, scale, rotation, centre)
        row = {
            "file": file.as_posix(),
            "variant": variant.name,
            "group": pattern.group,
            "number": plane_group(pattern.group).number,
            "seed": pattern.seed,
            "motif_type": pattern.motif_type,
            "rotation": rotation,
            "a": pattern.lattice.a * scale,
            "b": pattern.lattice.b * scale,
            "gamma": pattern.lattice.gamma,
            "basis": placed.basis.T.tolist(),
            "origin": _nearest_origin(placed.basis, placed.origin, task.size),
            "noise": variant.noise,
            "jpeg": variant.jpeg,
            "pseudosymmetry": variant.pseudosymmetry,
            "supergroup": truth[1],
            "certificate": _certificate_id(name, variant.pseudosymmetry),
            "weakest_true": truth[2].weakest_true,
            "strongest_false": truth[2].strongest_false,
        }
        say_row(json.dumps(row) + "\n")


def _truths(task: _Task) -> tuple[Pattern, dict[float | None, _Truth]]:
    """A pattern and its cell for each strength of pseudosymmetry that the variants ask for (None: as generated)."""
    group = GROUP_NAMES[task.index % len(GROUP_NAMES)]
    strengths = dict.fromkeys(variant.pseudosymmetry for variant in task.variants)
    for attempt in range(ATTEMPTS):
        with suppress(RuntimeError):
            pattern = generate_pattern(group, sample_seed(task.seed, task.index, _STREAM + attempt), PATTERN_SIDE)
            generator = np.random.default_rng([task.seed, task.index, attempt])
            return pattern, {strength: _truth(pattern, strength, generator) for strength in strengths}
    raise RuntimeError(f"no {group} bears the pseudosymmetries {list(strengths)}; ask for others or another seed")


def _truth(pattern: Pattern, strength: float | None, generator: np.random.Generator) -> _Truth:
    if strength is None:
        return pattern.pixels, None, identify(pattern.pixels, pattern.lattice)
    found = pseudosymmetric(pattern, strength, generator)
    return found.pixels, found.supergroup, found.certificate


def _certificate_id(name: str, strength: float | None) -> str:
    return name if strength is None else f"{name}-pseudosymmetry-{strength:g}"


def _nearest_origin(basis: NDArray[np.float64], origin: NDArray[np.float64], size: int) -> list[float]:
    """Pixel (x, y) of the lattice's origin that is nearest to the picture's centre, to rounding in the basis."""
    steps = np.rint(np.linalg.solve(basis, (size - 1) / 2 - origin))
    return [float(value) for value in origin + basis @ steps]


def _save(path: Path, picture: NDArray[np.uint8], jpeg: int | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if jpeg is None:
        write_png(path, picture)
    else:
        Image.fromarray(picture).save(path, format="JPEG", quality=jpeg)


def _refuse_existing(folder: Path, overwrite: bool) -> None:
    """Raises: FileExistsError: something is there that must not be replaced."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    ours = (folder / MANIFEST).is_file()
    if not (overwrite and ours):
        remedy = "add --overwrite, or choose another folder" if ours else "choose another folder"
        raise FileExistsError(f"{folder}: exists{'' if ours else ' and is no benchmark of this command'}; {remedy}")
