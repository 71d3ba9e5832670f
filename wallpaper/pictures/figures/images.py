"""Figures made of pictures: reconstructions with their errors, all pairs, samples of every group.

Patterns come in as the renderer takes them; nothing here knows of models or stores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from wallpaper.pictures.colours import BY_ROTATION, THEME, readable
from wallpaper.pictures.figures.style import DPI, ERROR, colour_bar, new_figure, picture_axes
from wallpaper.pictures.figures.training import label_pairs, separate_rotations
from wallpaper.pictures.render import Picture, render, unit_pixels
from wallpaper.pictures.strip import one_shape, tile
from wallpaper.plane import GROUP_NAMES, Lattice

Patterns = Sequence[NDArray[np.generic]] | NDArray[np.generic]

THUMBNAIL = 128
"""Pixels of a picture in a grid."""

GAP = 6

BLOCKS = 3
"""Columns of rows in a reconstruction grid, so that 17 of them fit a screen."""


def reconstruction_grid(
    originals: Patterns,
    reconstructions: Patterns,
    names: Sequence[str],
    lattices: Sequence[Lattice],
    *,
    title: str = "Original, reconstruction, error",
    cells: float = 2.0,
) -> Figure:
    """One row a sample: original, reconstruction and error map, with its PSNR, in three blocks side by side.

    The error is the mean over channels of |difference|, on one scale of its own for all rows, up to
    its 99.5th percentile.

    Args: originals, reconstructions: N patterns each, as `render` takes them. names, lattices: N each.
    Raises: ValueError: different numbers of them, or different shapes of a pair.
    """
    counts = [len(originals), len(reconstructions), len(names), len(lattices)]
    if len(set(counts)) > 1 or not counts[0]:
        raise ValueError(f"there must be as many originals, reconstructions, names and lattices, but got {counts}")
    pairs = [(unit_pixels(a), unit_pixels(b)) for a, b in zip(originals, reconstructions, strict=True)]
    shown, top = _rows_of_tiles(pairs, lattices, cells)
    rows = -(-len(pairs) // BLOCKS)
    blocks = -(-len(pairs) // rows)
    figure = new_figure(0.4 + 4.3 * blocks, 0.7 + 1.27 * rows)
    for block in range(blocks):
        first, last = block * rows, min((block + 1) * rows, len(pairs))
        axes = picture_axes(figure, 1, blocks, block + 1, title=title if block == 0 else " ")
        places = [*shown[3 * first : 3 * last], *[None] * (3 * (first + rows - last))]
        _show(axes, tile(places, 3, gap=GAP, background=THEME["card"]))
        for k, index in enumerate(range(first, last)):
            psnr = -10 * np.log10(max(float(np.mean((pairs[index][0] - pairs[index][1]) ** 2)), 1e-12))
            y = (k + 0.5) * (THUMBNAIL + GAP)
            axes.text(-10, y - 10, names[index], color=readable(names[index]), fontsize=9, ha="right", va="center")
            axes.text(-10, y + 12, f"{psnr:.1f} dB", color=THEME["muted"], fontsize=6.5, ha="right", va="center")
    colour_bar(
        figure, ScalarMappable(Normalize(0, top), ERROR), figure.axes[blocks - 1], "mean |error| of the channels"
    )
    return figure


def reconstruction_tiles(
    originals: Patterns, reconstructions: Patterns, lattices: Sequence[Lattice], *, cells: float = 2.0
) -> tuple[Picture, float]:
    """The same rows as one picture without margins, (N * size, 3 * size, 3), and the error that is brightest in it."""
    pairs = [(unit_pixels(a), unit_pixels(b)) for a, b in zip(originals, reconstructions, strict=True)]
    shown, top = _rows_of_tiles(pairs, lattices, cells)
    rows = [np.concatenate(shown[first : first + 3], axis=1) for first in range(0, len(shown), 3)]
    return np.concatenate(rows), top


def _rows_of_tiles(
    pairs: Sequence[tuple[NDArray[np.floating], NDArray[np.floating]]], lattices: Sequence[Lattice], cells: float
) -> tuple[list[Picture], float]:
    """Of each pair the original, the copy and the error, rendered; and the error at the top of the scale of all."""
    errors = [np.abs(a - b).mean(axis=-1) for a, b in pairs]
    top = max(float(np.percentile(np.stack(errors), 99.5)), 1e-6)
    shown: list[Picture] = []
    for (original, copy), error, lattice in zip(pairs, errors, lattices, strict=True):
        heat = ERROR(np.clip(error / top, 0, 1))[..., :3]
        shown += [render(each, lattice, size=THUMBNAIL, cells=cells) for each in (original, copy, heat)]
    return shown, top


def transition_matrix(
    thumbnails: Mapping[tuple[str, str], Picture] | NDArray[np.uint8],
    *,
    title: str = "All transitions",
    names: Sequence[str] = BY_ROTATION,
) -> Figure:
    """A picture for each ordered pair: row = source, column = target, in the order of `names`.

    Args: thumbnails: (17, 17, h, w, 3) uint8 by the groups' *indices*, or a mapping from (source, target)
        to (h, w, 3); missing pairs stay empty.
    Raises: ValueError: no picture, different shapes, or an unknown group's name.
    """
    if isinstance(thumbnails, np.ndarray):
        side = len(GROUP_NAMES)
        if thumbnails.ndim != 5 or thumbnails.shape[:2] != (side, side):
            raise ValueError(f"thumbnails must be ({side}, {side}, h, w, 3), but got {thumbnails.shape}")
        thumbnails = {(s, t): thumbnails[i, j] for i, s in enumerate(GROUP_NAMES) for j, t in enumerate(GROUP_NAMES)}
    unknown = {name for pair in thumbnails for name in pair} - set(GROUP_NAMES)
    if unknown:
        raise ValueError(
            f"pairs must name wallpaper groups, but got {sorted(unknown)}; one of {', '.join(GROUP_NAMES)}"
        )
    _, width = one_shape(list(thumbnails.values()))
    gap = max(2, width // 24)
    sheet = tile([thumbnails.get((s, t)) for s in names for t in names], len(names), gap=gap, background=THEME["card"])
    figure = new_figure(sheet.shape[1] / DPI + 0.7, sheet.shape[0] / DPI + 0.9)  # about one screen pixel a pixel
    axes = picture_axes(figure, title=title)
    _show(axes, sheet)
    centres = np.arange(len(names)) * (width + gap) + (width - 1) / 2
    label_pairs(axes, names, centres)
    separate_rotations(axes, names, np.arange(1, len(names)) * (width + gap) - (gap + 1) / 2)
    return figure


def contact_sheet(
    samples: Mapping[str, Sequence[tuple[NDArray[np.generic], Lattice]]],
    *,
    title: str = "Samples of every group",
    cells: float = 3.0,
    size: int = THUMBNAIL,
) -> Figure:
    """A row of samples for each group, as pictures with true angles.

    Args: samples: by group name, (pattern, lattice) pairs; rows may differ in length.
    Raises: ValueError: no sample at all.
    """
    columns = max((len(row) for row in samples.values()), default=0)
    if not columns:
        raise ValueError(f"there must be at least one sample, but got {dict(samples)}")
    places: list[Picture | None] = []
    for row in samples.values():
        pictures = [render(pattern, lattice, size=size, cells=cells) for pattern, lattice in row]
        places += [*pictures, *[None] * (columns - len(row))]
    figure = new_figure(0.8 + columns * size / 110, 0.5 + len(samples) * size / 110)
    axes = picture_axes(figure, title=title)
    _show(axes, tile(places, columns, gap=GAP, background=THEME["card"]))
    for k, name in enumerate(samples):
        y = k * (size + GAP) + size / 2
        axes.text(-10, y, name, color=readable(name), fontsize=10, ha="right", va="center")
    return figure


def _show(axes: Axes, sheet: Picture) -> None:
    axes.imshow(sheet, interpolation="antialiased")
