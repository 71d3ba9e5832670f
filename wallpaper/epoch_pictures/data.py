"""What an epoch's pictures show, as data beside them: for pages that draw it again, sort it or let it be explored.

Points and paths along the latents' first principal axes, and the reconstructions as one sheet of tiles with the
errors of its rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wallpaper.epoch_pictures.sheet import COLUMNS, TILE
from wallpaper.pictures.animation import write_png
from wallpaper.pictures.figures.images import reconstruction_tiles
from wallpaper.pictures.figures.latent import PrincipalPlane
from wallpaper.plane import GROUP_NAMES, Lattice
from wallpaper.training.files import write_json

LATENT_SPACE = "latent_space.json"
RECONSTRUCTIONS, TILES = "reconstructions.json", "reconstruction_tiles.png"

DIGITS = 4

AXES = 3
"""Principal axes along which latents of more dimensions are told; a page chooses two of them."""


def write_latents(
    folder: Path,
    latents: NDArray[np.floating],
    labels: NDArray[np.integer],
    indices: NDArray[np.integer],
    trajectories: Mapping[tuple[str, str], NDArray[np.floating]],
    metrics: Mapping[str, float],
) -> None:
    """`LATENT_SPACE`: the points of each group, (N, k), with their indices in the dataset, and the paths, (T, k).

    Along k = `AXES` axes, or the latents' own two.

    `patterns` says how to find a point's pattern on the run's sheet of tiles: they lie in the order of all indices.
    """
    plane = PrincipalPlane.of(latents, AXES)
    points = plane.project(latents)
    groups = {
        name: {"points": _rounded(points[labels == group]), "indices": indices[labels == group].tolist()}
        for group, name in enumerate(GROUP_NAMES)
    }
    paths = [
        {"source": source, "target": target, "points": _rounded(plane.project(path))}
        for (source, target), path in trajectories.items()
    ]
    about: dict[str, Any] = {"axes": plane.labels, "dimensions": latents.shape[1], "metrics": dict(metrics)}
    about["patterns"] = {"tile": TILE, "columns": COLUMNS}
    write_json(folder / LATENT_SPACE, {**about, "groups": groups, "trajectories": paths})


def write_reconstructions(
    folder: Path,
    originals: NDArray[np.floating],
    copies: NDArray[np.floating],
    lattices: Sequence[Lattice],
    indices: Sequence[int],
) -> None:
    """`TILES`, a row for each group: original, reconstruction, error; `RECONSTRUCTIONS`, the error of each."""
    sheet, top = reconstruction_tiles(originals, copies, lattices)
    write_png(folder / TILES, sheet)
    squares = np.square(originals.astype(np.float64) - copies).reshape(len(originals), -1).mean(axis=1)
    rows = [
        {"group": name, "index": int(index), "mse": float(mse), "psnr": float(-10 * np.log10(max(mse, 1e-12)))}
        for name, index, mse in zip(GROUP_NAMES, indices, squares, strict=True)
    ]
    write_json(folder / RECONSTRUCTIONS, {"tile": sheet.shape[1] // 3, "error_scale": top, "rows": rows})


def _rounded(points: NDArray[np.floating]) -> list[list[float]]:
    rounded: list[list[float]] = np.round(points.astype(np.float64), DIGITS).tolist()
    return rounded
