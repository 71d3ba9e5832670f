"""One transition, made and encoded: its frames as pictures of bytes, and what a player needs to know of them.

The library does the work; here it is laid out for a player. Knows no page.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from dashboard.making.uploads import Start, at_side
from dashboard.views.elements import Elements, element_set
from wallpaper.data.samples import Sample
from wallpaper.models.transition_model import TransitionModel
from wallpaper.pictures.placement import place
from wallpaper.pictures.render import Picture, picture_scale
from wallpaper.plane import Op
from wallpaper.symmetry import Spectrum
from wallpaper.transition import Transition, pictures, spectrum, transition, transition_from_seed

FRAMES, SIZE, CELLS = 49, 400, 2.2
"""How many, pixels along each side, and primitive cells across, about."""

QUALITY = 90


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for; equal ones are made once."""

    source: str
    target: str
    seed: int = 0
    route: str = "direct"
    model: str = "shipped"
    picture: str = ""
    """Digest of the picture to start from; empty for a sample, or the generator's pattern of the seed."""
    sample: str = ""
    """Id of the model's own pattern to start from, such as "p4m-0"."""

    def __post_init__(self) -> None:
        if self.source == self.target:
            raise ValueError(f"`source != target` must hold, but both are {self.source}; choose two different groups")


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """One transition, and its frames as they are sent."""

    wanted: Wanted
    result: Transition
    frames: tuple[bytes, ...]
    """JPEG, `SIZE` pixels along each side."""
    spectrum: Spectrum
    bases: NDArray[np.float64]
    """(T, 2, 2) columns a and b of each frame's primitive cell, in pixels of the frames, y downwards."""
    kept: tuple[tuple[str, int], ...]
    """Of each frame: the group that it has by construction, and which of `sets` are its elements."""
    sets: tuple[Elements, ...]


def make(model: TransitionModel, wanted: Wanted, start: Start | Sample | None) -> Made:
    """Make a transition. Blocks for seconds.

    Args: start: the cell to start at exactly; the generator's pattern of the seed if None.
    Raises: ValueError: the groups are the same or unknown, or do not fit the start.
    """
    if start is None:
        result = transition_from_seed(
            model, wanted.source, wanted.target, seed=wanted.seed, n_frames=FRAMES, route=wanted.route
        )
    else:
        if start.group != wanted.source:
            raise ValueError(
                f"`source` must be {start.group}, the group of what is started at, but got {wanted.source}"
            )
        if isinstance(start, Start):
            cell = torch.from_numpy(at_side(start, model.resolution).cell)
        else:
            cell = torch.from_numpy(start.pixels).float() / 255
        image = cell.permute(2, 0, 1).contiguous()
        result = transition(
            model, image, wanted.source, wanted.target,
            lattice=start.lattice, n_frames=FRAMES, route=wanted.route,
        )  # fmt: skip
    drawn = pictures(result, size=SIZE, cells=CELLS)
    bases = placements(result)
    kept, sets = _elements(result, bases)
    return Made(wanted, result, tuple(jpeg(picture) for picture in drawn), spectrum(result), bases, kept, sets)


def placements(result: Transition) -> NDArray[np.float64]:
    """(T, 2, 2) bases in pixels, where `pictures` puts them; every origin is the picture's centre."""
    scale = picture_scale(result.lattices, SIZE, CELLS)
    places = zip(result.lattices, result.rotations, strict=True)
    return np.stack([place(lattice, SIZE, scale, rotation).basis for lattice, rotation in places])


def jpeg(picture: Picture) -> bytes:
    """A picture as a JPEG that keeps its colours sharp."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=QUALITY, subsampling=0)
    return stream.getvalue()


def _elements(
    result: Transition, bases: NDArray[np.float64]
) -> tuple[tuple[tuple[str, int], ...], tuple[Elements, ...]]:
    """The group and the number of the element set of each frame, and the sets, each once."""
    reach = _reach(bases)
    numbers: dict[tuple[Op, ...], int] = {}
    sets: list[Elements] = []
    kept: list[tuple[str, int]] = []
    for index in range(len(result.times)):
        group, operations = result.planned(index)
        if operations not in numbers:
            numbers[operations] = len(sets)
            sets.append(element_set(operations, reach))
        kept.append((group, numbers[operations]))
    return tuple(kept), tuple(sets)


def _reach(bases: NDArray[np.float64]) -> int:
    """Cells from the origin to the farthest corner in view, in any frame."""
    corners = np.array([[1, 1], [1, -1]]) * SIZE / 2
    return int(np.ceil(np.abs(np.linalg.inv(bases) @ corners.T).max()))


def about(made: Made) -> dict[str, Any]:
    """What the player is told, in types that JSON knows."""
    result = made.result
    chord = float(torch.linalg.vector_norm(result.latents[-1] - result.latents[0]))
    return {
        "source": result.source,
        "target": result.target,
        "route": list(result.route.groups),
        "size": SIZE,
        "times": [round(float(time), 4) for time in result.times],
        "groups": [group for group, _ in made.kept],
        "set": [number for _, number in made.kept],
        "sets": [each.to_lists() for each in made.sets],
        "bases": [[round(float(value), 3) for value in basis.reshape(-1)] for basis in made.bases],
        "lattices": [[round(each.a, 3), round(each.b, 3), round(each.gamma, 2)] for each in result.lattices],
        "length": result.path_length,
        "chord": chord,
        "nfe": result.nfe,
        "order": result.route.width,
    }
