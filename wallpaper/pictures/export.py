"""A store of patterns as a folder of pictures: one PNG each, sorted by group.

Pictures show the plane with true angles, so any program that looks at images can use them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from wallpaper.pictures.animation import write_png
from wallpaper.pictures.render import render
from wallpaper.plane import Lattice

Progress = Callable[[int, int], None]
"""Called with (pictures written, pictures in all)."""

FEWEST_CELLS = 3.0
"""Cells across below which a viewer cannot see the repetition."""


class PatternSource(Protocol):
    """What is needed of a store of patterns."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """(N,) indices into `group_names`."""

    @property
    def group_names(self) -> Sequence[str]:
        """By label."""

    def __len__(self) -> int: ...

    def pixels(self, index: int) -> NDArray[np.uint8]:
        """(n, n, 3) one cell."""

    def lattice(self, index: int) -> Lattice:
        """The cell's lattice."""


def export_images(
    store: PatternSource,
    folder: str | os.PathLike[str],
    *,
    size: int = 256,
    cells: float = FEWEST_CELLS,
    indices: Iterable[int] | None = None,
    progress: Progress = lambda done, total: None,
    workers: int | None = None,
) -> int:
    """Write folder/{group}/{index:05d}.png, (size, size) pixels and `cells` cells across each; returns how many.

    Files of the same name are replaced, whole or not at all. The store is read by one thread.

    Args: indices: which patterns; all if None. workers: threads that draw (default: one per processor, at most 8).
    Raises: ValueError: `cells` < 3, or an index outside the store.
    """
    if not cells >= FEWEST_CELLS:
        raise ValueError(f"`cells >= {FEWEST_CELLS}` must hold for the repetition to show, but got {cells}")
    chosen = list(range(len(store)) if indices is None else indices)
    wrong = [index for index in chosen if not 0 <= index < len(store)]
    if wrong:
        raise ValueError(f"indices must be in 0..{len(store) - 1}, but got {wrong[:5]}")
    root = Path(folder)

    def draw(job: tuple[Path, NDArray[np.uint8], Lattice]) -> None:
        path, pixels, lattice = job
        write_png(path, render(pixels, lattice, size=size, cells=cells))

    threads = workers or min(8, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(chosen), 8 * threads):
            part = chosen[start : start + 8 * threads]
            jobs = [
                (root / store.group_names[int(store.labels[i])] / f"{i:05d}.png", store.pixels(i), store.lattice(i))
                for i in part
            ]
            for done, _ in enumerate(pool.map(draw, jobs), start + 1):
                progress(done, len(chosen))
    return len(chosen)
