"""Which group the frames of all 272 transitions have, found by the judge, and which one was planned.

`python -m benchmarks.transitions`: straight blends of two generated patterns, aligned; `--model` decodes a trained
model's paths instead. Nine frames a pair, t = 0, 1/8 ... 1. Predictions, written before the first run: source and
target exactly at the ends, 544 of 544; inside, the planned common subgroup or a group that holds it, 1904 of 1904,
and exactly the common one in at least 90 % of the frames with t in 1/4 ... 3/4. Exits 1 if any frame fails.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from wallpaper.frames import on_common_cell
from wallpaper.judge import identify
from wallpaper.models.transition_model import TransitionModel
from wallpaper.patterns import generate_pattern
from wallpaper.plane import GROUP_NAMES, Lattice, plane_group
from wallpaper.plane.relations import primitive_vectors
from wallpaper.plane.routes import ROUTES, Route, plan_route
from wallpaper.transition import Verdict, basis_path, smooth_step, transition_from_seed, verdict

TIMES = 9
LEAST_EXACT = 0.9
"""Share of the middle frames that must have exactly the common subgroup."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame, before it is judged."""

    time: float
    planned: str
    pixels: NDArray[np.float32]
    """(n, n, 3) one primitive cell of `lattice`."""
    lattice: Lattice


@dataclass(frozen=True, slots=True)
class Judged:
    """What the judge said of it."""

    source: str
    target: str
    time: float
    planned: str
    found: str
    verdict: Verdict

    @property
    def fails(self) -> bool:
        """Another group than planned; at an end, also a higher one."""
        return self.verdict == "other" or (self.time in (0.0, 1.0) and self.verdict != "exact")


def blended(route: Route, seed: int, side: int) -> Iterator[Frame]:
    """Frames of a straight blend of generated patterns, one of each group of the route, leg by leg."""
    patterns = [generate_pattern(name, seed + number, side) for number, name in enumerate(route.groups)]
    images = [torch.from_numpy(pattern.pixels).permute(2, 0, 1).float() / 255 for pattern in patterns]
    basis = patterns[0].lattice.basis @ primitive_vectors(plane_group(route.groups[0]))
    ends = [on_common_cell(images[0], route.groups[0], route.legs[0].source_frame)]
    ends += [
        on_common_cell(image, leg.target, leg.target_frame) for image, leg in zip(images[1:], route.legs, strict=True)
    ]
    places = [min(k * len(route.legs) / (TIMES - 1), len(route.legs)) for k in range(TIMES)]
    for number, leg in enumerate(route.legs):
        own = [place for place in places if number <= place < number + 1 or place == number + 1 == len(route.legs)]
        weights = smooth_step(torch.tensor([place - number for place in own])).tolist()
        *bases, last = basis_path(basis, leg, [*weights, 1.0])
        for place, s, cell in zip(own, weights, bases, strict=True):
            frame = (1 - s) * ends[number] + s * ends[number + 1]
            planned = leg.source if s == 0 else leg.target if s == 1 else leg.common_group
            pixels = frame.clamp(0, 1).permute(1, 2, 0).contiguous().numpy()
            yield Frame(place / len(route.legs), planned, pixels, Lattice.from_metric(cell.T @ cell))
        basis = last


def decoded(route: Route, seed: int, model: TransitionModel, kind: str) -> Iterator[Frame]:
    """Frames of a trained model's transition of a generated pattern."""
    result = transition_from_seed(model, route.groups[0], route.groups[-1], seed=seed, n_frames=TIMES, route=kind)
    for index, lattice in enumerate(result.lattices):
        pixels = result.frames[index].permute(1, 2, 0).contiguous().numpy()
        yield Frame(float(result.times[index]), result.planned(index)[0], pixels, lattice)


def judged(route: Route, frames: Iterator[Frame]) -> Iterator[Judged]:
    """Each frame with the group that the judge finds."""
    for frame in frames:
        certificate = identify(frame.pixels, frame.lattice)
        answer = verdict(certificate, frame.planned, frame.lattice)
        yield Judged(route.groups[0], route.groups[-1], frame.time, frame.planned, certificate.group, answer)


def report(rows: list[Judged], seconds: float) -> int:
    """Print the table; returns the exit code."""
    print(f"{'t':>6}{'frames':>8}{'exact':>8}{'higher':>8}{'fail':>8}")
    for moment in sorted({row.time for row in rows}):
        own = [row for row in rows if row.time == moment]
        counts = Counter("fail" if row.fails else row.verdict for row in own)
        print(f"{moment:6.3f}{len(own):8}{counts['exact']:8}{counts['higher']:8}{counts['fail']:8}")
    middle = [row for row in rows if 0.25 <= row.time <= 0.75]
    share = sum(row.verdict == "exact" for row in middle) / max(len(middle), 1)
    failures = [row for row in rows if row.fails]
    for row in failures[:40]:
        print(f"{row.source} to {row.target}, t = {row.time:.3f}: planned {row.planned}, found {row.found}")
    pairs = len({(row.source, row.target) for row in rows})
    print(
        f"{pairs} pairs, {len(rows)} frames, {len(failures)} failures; exact for t in 1/4 ... 3/4: {share:.1%}; "
        f"{seconds:.0f} s CPU"
    )
    return int(bool(failures) or share < LEAST_EXACT)


@click.command()
@click.option(
    "--model", type=click.Path(path_type=Path, file_okay=False), default=None, help="Folder of a trained model."
)
@click.option("--route", type=click.Choice(ROUTES), default="direct", show_default=True)
@click.option("--side", type=click.IntRange(16), default=64, show_default=True, help="Samples a side, without --model.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--every", type=click.IntRange(1), default=1, show_default=True, help="Only each EVERY-th pair.")
def main(model: Path | None, route: str, side: int, seed: int, every: int) -> None:
    """Judge the frames of all 272 transitions; exit code 1 if any has not the planned symmetry."""
    loaded = None if model is None else TransitionModel.load(model)
    started = time.process_time()
    rows: list[Judged] = []
    for source, target in tqdm(
        list(permutations(GROUP_NAMES, 2))[::every], unit=" pairs", disable=not sys.stderr.isatty()
    ):
        way = plan_route(source, target, route)
        frames = blended(way, seed, side) if loaded is None else decoded(way, seed, loaded, route)
        rows += judged(way, frames)
    sys.exit(report(rows, time.process_time() - started))


if __name__ == "__main__":
    main()
