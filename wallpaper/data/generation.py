"""Generating a dataset: every group in turn, in one or several processes, with the same bytes either way.

Pattern k has group k mod 17, so an unfinished file is balanced, and its seed follows from
(seed, k) alone: neither the number of patterns nor the number of processes changes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np

from wallpaper.data.fingerprints import Gallery, fingerprint
from wallpaper.data.layout import partial_path, store_error
from wallpaper.data.store import PatternStore
from wallpaper.data.writer import PatternWriter
from wallpaper.pattern_files import PixelType
from wallpaper.patterns import FAULTS, GENERATOR_VERSION, Pattern, generate_pattern
from wallpaper.plane import GROUP_NAMES
from wallpaper.workers import ordered

Generate: TypeAlias = Callable[[str, int, int], Pattern]
"""(group, seed, side) to a pattern, or RuntimeError for a seed that gives none.

Importable by name where several processes are used.
"""

Progress: TypeAlias = Callable[[int, int], None]
"""Called with what is done and the total; may raise to stop."""

CHUNK = 8
"""Patterns one task of a worker makes: long enough to hide the transfer, short enough to balance."""

SEED_BITS = 53
"""Seeds stay below 2^53, so that JSON and JavaScript keep them exact."""


ATTEMPTS = 3
"""Seeds tried for a pattern: a generator may, rarely, find no acceptable design for one."""

MOST_ALIKE = 5
"""Times a pattern is replaced because it looks like an earlier one; never needed more than once so far."""


def sample_seed(seed: int, index: int, attempt: int = 0) -> int:
    """Seed of pattern `index` in a dataset of this seed; independent streams for any two of them."""
    state = np.random.SeedSequence([seed, index, attempt]).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(64 - SEED_BITS))


def generate_dataset(
    path: Path | str,
    per_group: int,
    *,
    side: int = 256,
    seed: int = 0,
    dtype: PixelType = "uint8",
    workers: int = 1,
    progress: Progress = lambda done, total: None,
    overwrite: bool = False,
    resume: bool = True,
    generate: Generate = generate_pattern,
) -> PatternStore:
    """Write 17 x `per_group` patterns and `splits.npz`, or return the finished file of the same settings.

    Args:
        path: the HDF5 file; interrupted, it is continued by the same call.
        per_group: patterns of each group.
        side: pixels n along each cell edge, a multiple of 4.
        seed: any whole number from 0; with `side` and `per_group` it determines every byte.
        dtype: "uint8" (0-255) or "float64" (0-1).
        workers: processes that generate; 1 generates in this one.
        progress: gets (done, total) after each pattern; what it raises stops the run and keeps what is done.
        overwrite: generate anew even if a file is there.
        resume: continue an unfinished file of the same settings.
        generate: the generator.
    Returns: the finished file, open for reading.
    Raises: StoreError: the path is taken by other settings, a worker died, or an argument is out of range.
    """
    path = Path(path)
    for name, value, least in (("per_group", per_group, 1), ("seed", seed, 0), ("workers", workers, 1)):
        if value < least:
            raise store_error(path, None, f"`{name} >= {least}` must hold, but got {value}", "change it")
    settings: dict[str, object] = {
        "generator": f"{generate.__module__}.{generate.__qualname__}",
        "generator_version": GENERATOR_VERSION,
        "per_group": per_group,
        "side": side,
        "seed": seed,
        "dtype": dtype,
    }
    if path.exists() and not overwrite:
        return _finished(path, settings)
    count = per_group * len(GROUP_NAMES)
    with PatternWriter(
        path, count, side, settings=settings, dtype=dtype, split_seed=seed, resume=resume, overwrite=overwrite
    ) as writer:
        gallery = Gallery(count)
        for done in writer.stored():
            gallery.add(fingerprint(done))
        for index, pattern in enumerate(
            _patterns(path, generate, seed, side, range(writer.written, count), workers), writer.written
        ):
            writer.append(_unlike(gallery, pattern, generate, seed, side, index))
            progress(writer.written, count)
    return PatternStore(path)


def _finished(path: Path, settings: dict[str, object]) -> PatternStore:
    store = PatternStore(path)
    found = store.settings
    differing = [key for key in sorted(found | settings) if found.get(key) != settings.get(key)]
    if differing:
        problem = ", ".join(
            f"`{key}` is {found.get(key)!r} there, but {settings.get(key)!r} was asked" for key in differing
        )
        raise store_error(path, None, f"exists with other settings: {problem}", "choose another path or overwrite it")
    return store


def _unlike(gallery: Gallery, pattern: Pattern, generate: Generate, seed: int, side: int, index: int) -> Pattern:
    """The pattern, or one of another seed if the gallery has its like; what is returned is in the gallery then."""
    found, alike = fingerprint(pattern.pixels), 0
    while gallery.resembles(found) and alike < MOST_ALIKE:
        alike += 1
        pattern = _one(generate, seed, side, index, first=alike * ATTEMPTS)
        found = fingerprint(pattern.pixels)
    gallery.add(found)
    if not alike:
        return pattern
    refused = [*pattern.refused]
    refused[FAULTS.index("alike")] += alike
    return replace(pattern, redraws=pattern.redraws + alike, refused=tuple(refused))


def _patterns(path: Path, generate: Generate, seed: int, side: int, indices: range, workers: int) -> Iterator[Pattern]:
    """The patterns of these indices, in order. Raises: StoreError: a worker died."""
    chunk = CHUNK if workers > 1 else 1
    tasks = (indices[start : start + chunk] for start in range(0, len(indices), chunk))
    try:
        for patterns in ordered(partial(_several, generate, seed, side), tasks, workers, preload=__name__):
            yield from patterns
    except BrokenProcessPool as error:
        remedy = f"run again to resume {partial_path(path).name}, with fewer workers if memory is short"
        raise store_error(path, None, "a worker process died", remedy) from error


def _several(generate: Generate, seed: int, side: int, indices: range) -> list[Pattern]:
    return [_one(generate, seed, side, index) for index in indices]


def _one(generate: Generate, seed: int, side: int, index: int, first: int = 0) -> Pattern:
    """Pattern `index`, of the first seed from attempt `first` on that gives one."""
    group = GROUP_NAMES[index % len(GROUP_NAMES)]
    for attempt in range(first, first + ATTEMPTS - 1):
        with suppress(RuntimeError):
            return generate(group, sample_seed(seed, index, attempt), side)
    return generate(group, sample_seed(seed, index, first + ATTEMPTS - 1), side)
