"""What a certified pattern costs, and whether the generator keeps its promises on fresh seeds.

`python -m benchmarks.generator --per-group 20 --seed 1`: CPU time a pattern with the judge's share, refused designs,
certificates, look-alikes, and how often classifiers guess the group from colours alone. `--file FILE.h5` takes the
patterns of a dataset instead and times one image's read. Exits 1 if a promise is broken; times are only reported.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import click
import numpy as np

from wallpaper.data import PatternStore, sample_seed
from wallpaper.data.colour_labels import accuracies, colour_statistics
from wallpaper.data.fingerprints import alike, fingerprint
from wallpaper.data.generation import ATTEMPTS
from wallpaper.patterns import FAULTS, Pattern, generate_pattern, generator
from wallpaper.patterns.acceptance import LEAST_TRUE, MOST_FALSE, certify
from wallpaper.plane import GROUP_NAMES

MOST_GUESSED = 0.08
"""Share of groups that may be guessed from colours: chance is 0.059."""

READS = 400


@click.command()
@click.option("--per-group", type=click.IntRange(min=2), default=20, show_default=True)
@click.option("--size", type=click.IntRange(min=16), default=256, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--file", type=click.Path(path_type=Path, exists=True, dir_okay=False), default=None)
def main(per_group: int, size: int, seed: int, file: Path | None) -> None:
    """Measure, print, and exit 1 if a promise is broken."""
    made = from_file(file) if file else fresh(per_group, size, seed)
    weakest = min(row["weakest_true"] for row in made)
    strongest = max(row["strongest_false"] for row in made)
    pairs = alike(row["print"] for row in made)
    guesses = accuracies(np.array([row["colours"] for row in made]), np.array([row["label"] for row in made]))
    print(f"{len(made)} patterns; weakest true {weakest:.6f}, strongest false {strongest:.4f}")
    print("look-alikes:", ", ".join(f"{i} and {j} ({d:.2f})" for i, j, d in pairs) or "none")
    print("group guessed from colours:", ", ".join(f"{name} {share:.1%}" for name, share in guesses.items()))
    kept = weakest >= LEAST_TRUE and strongest <= MOST_FALSE and max(guesses.values()) <= MOST_GUESSED
    sys.exit(0 if kept and (file is None or not pairs) else 1)


def fresh(per_group: int, size: int, seed: int) -> list[dict[str, Any]]:
    """New patterns, their cost printed."""
    spent: dict[str, float] = {"all": 0.0, "judge": 0.0}
    for name in GROUP_NAMES:
        generate_pattern(name, 0, size)  # tables that are made once
    draw = _timed(generate_pattern, "all", spent)
    rows, refused = [], np.zeros(len(FAULTS), dtype=int)
    with patch.object(generator, "certify", _timed(certify, "judge", spent)):
        for index in range(per_group * len(GROUP_NAMES)):
            pattern: Pattern = draw(GROUP_NAMES[index % 17], sample_seed(seed, index, ATTEMPTS * 50), size)
            refused += pattern.refused
            rows.append(_row(pattern.pixels, index % 17, pattern.weakest_true, pattern.strongest_false))
    each, judged = (spent[name] / len(rows) * 1e3 for name in ("all", "judge"))
    print(f"CPU time a pattern of {size} x {size}: {each:.1f} ms, of which the judge {judged:.1f} ms")
    print("refused designs:", ", ".join(f"{name} {count}" for name, count in zip(FAULTS, refused, strict=True)))
    return rows


def from_file(path: Path) -> list[dict[str, Any]]:
    """The patterns of a dataset; the time of single reads in random order printed."""
    store = PatternStore(path)
    chosen = np.random.default_rng(0).permutation(len(store))[:READS].tolist()
    started = time.perf_counter()
    for index in chosen:
        store.pixels(index)
    print(f"one image's read: {(time.perf_counter() - started) / len(chosen) * 1e3:.3f} ms (wall)")
    rows = []
    for index in range(len(store)):
        about = store.metadata(index)
        label = int(store.labels[index])
        rows.append(_row(store.pixels(index), label, about["weakest_true"], about["strongest_false"]))
    return rows


def _row(pixels: np.ndarray, label: int, weakest: float, strongest: float) -> dict[str, Any]:
    few = pixels[:: max(1, len(pixels) // 64), :: max(1, len(pixels) // 64)]
    return {
        "label": label,
        "weakest_true": weakest,
        "strongest_false": strongest,
        "print": fingerprint(pixels),
        "colours": colour_statistics(few),
    }


def _timed(function: Callable[..., Any], name: str, spent: dict[str, float]) -> Callable[..., Any]:
    """The same function, its CPU time added up."""

    def run(*arguments: Any) -> Any:
        started = time.process_time()
        result = function(*arguments)
        spent[name] += time.process_time() - started
        return result

    return run


if __name__ == "__main__":
    main()
