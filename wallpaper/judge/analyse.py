"""The plane group of a picture alone: its lattice is found, its cells are averaged, and the mean is identified.

No answer is an answer: a picture without contrast, without a lattice or with less than a cell says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from wallpaper.judge.analysis import Analysis, Problem
from wallpaper.judge.averaging import MeanCell, average_cells
from wallpaper.judge.certificate import Certificate
from wallpaper.judge.identify import identify_samples, standard_axes
from wallpaper.judge.reading import contrasts, read_picture, unit_samples
from wallpaper.judge.repetition import find_lattice
from wallpaper.judge.settings import METRIC_TOLERANCE, reduced_basis
from wallpaper.judge.spectrum import Samples
from wallpaper.plane import Lattice
from wallpaper.plane.lattice import stretched

Floats = NDArray[np.float64]
Planes = NDArray[np.float32]

LEAST_CONTRAST = 0.004
"""Standard deviation below which a picture is flat: one step of 8 bits."""

LEAST_SIDE = 16
"""Pixels; smaller pictures cannot hold two periods."""

LARGEST = 720
"""Pixels along the longer side that are looked at; larger pictures are shrunk, or cut where the pattern is too fine."""

FEWEST_PIXELS = 24.0
"""Period, in pixels of a shrunk picture, below which a part in full resolution tells more."""

SYSTEMATIC, ROUGH, MOST_SYSTEMATIC = 0.0075, 0.0125, 0.15
"""Share of a mean cell's power that may be error of interpolation; what compression and thin lines add to it at most,
judged by how the cells differ; and what they may add where cells differ from one part of the picture to another."""

COARSE = 0.75
"""Share of the folded cell's area below which the cell that was found is a part of it, not it."""

SHORTEST_PERIOD = 4.0
"""Side, in pixels, of the smallest primitive cell that is believed."""

ONE_COLOUR = 0.04
"""Range within which a border's row or column is of one colour: a frame, also in a compressed picture."""

LEAST_FRAMED = 0.5
"""Share of each side that a frame leaves; a narrower band is a frieze and no picture in a frame."""

PART = 0.62
"""Share of each side that is looked at alone where the whole is no answer: masks, captions, two pictures in one."""

ALIKE, PART_ALIKE = 0.1, 0.05
"""Unlikeness of cells (noise apart) above which a picture, or a part of one, does not repeat: quasicrystals, text."""

FAITHFUL = 0.36
"""Waves per pixel up to which a picture's contrast is kept alike in all directions."""


def analyse(
    picture: NDArray[np.generic] | str | Path, *, side: int | None = None, tolerance: float = METRIC_TOLERANCE
) -> Analysis:
    """Which plane group a picture shows, with its lattice in pixels.

    Args:
        picture: (H, W), (H, W, 3) or (H, W, 4); uint8 or uint16 of full range, or float in [0, 1]; or a file.
        side: samples n along each side of the mean cell that is returned; about the picture's own resolution if None.
        tolerance: relative change of scalar products up to which the lattice is put into a richer system: the default
            forgives 1.5 % of a length or 1 degree; more forgives a camera that was held at an angle.
    Raises: ValueError: another shape or range, NaN, or a file that is no picture.
    """
    whole = unit_samples(read_picture(picture) if isinstance(picture, str | Path) else picture)
    size = (whole.shape[0], whole.shape[1])
    if contrasts(whole).max() < LEAST_CONTRAST:
        return Analysis(size, problem="no contrast")
    problems: set[Problem] = set()
    for start, part, factor, limit in _looks(whole):
        found, unlike = _analysed(_shrunk(part, factor), side, tolerance)
        fine = found.basis is not None and np.linalg.norm(found.basis, axis=0).min() < FEWEST_PIXELS
        if found.certificate is not None and unlike <= limit and not (factor > 1 and fine):
            return _in_pixels(found, size, factor, start)
        problems.add(found.problem or "no lattice found")
    return Analysis(size, problem=problems.pop() if len(problems) == 1 else "no lattice found")


def _looks(picture: Planes) -> Iterator[tuple[Floats, Planes, int, float]]:
    """Ways to look at a picture, of which the first that answers wins.

    Each is the first pixel (x, y), the pixels, by how much to shrink them, and how unlike cells may be.
    """
    corner, framed = np.zeros(2), picture
    yield corner, framed, math.ceil(max(framed.shape) / LARGEST), ALIKE
    corner, framed = _without_frame(picture)
    if framed.shape != picture.shape:
        yield corner, framed, math.ceil(max(framed.shape) / LARGEST), ALIKE
    for start, part in _parts(framed):
        yield corner + start, part, 1, PART_ALIKE


def _without_frame(picture: Planes) -> tuple[Floats, Planes]:
    """The picture less borders of one colour, after the pixel (x, y) where what is left starts."""
    height, width = picture.shape[:2]
    steady = [(np.ptp(picture, axis=axis) <= ONE_COLOUR).all(axis=-1) for axis in (1, 0)]
    starts, stops = [], []
    for flags, length in zip(steady, (height, width), strict=True):
        kept = np.flatnonzero(~flags)
        margin = 2 if len(kept) and (kept[0] > 0 or kept[-1] < length - 1) else 0  # a frame's edge is blended
        starts.append(int(kept[0]) + margin * (kept[0] > 0) if len(kept) else 0)
        stops.append(int(kept[-1]) + 1 - margin * (kept[-1] < length - 1) if len(kept) else length)
    (top, left), (bottom, right) = starts, stops
    if bottom - top < LEAST_FRAMED * height or right - left < LEAST_FRAMED * width:
        return np.zeros(2), picture
    return np.array([left, top], dtype=np.float64), picture[top:bottom, left:right]


def _parts(picture: Planes) -> Iterator[tuple[Floats, Planes]]:
    """The middle and the corners of a picture, each after its first pixel (x, y): one may show the pattern alone."""
    size = np.array(picture.shape[:2])
    side = np.minimum(np.ceil(PART * size), LARGEST).astype(np.int64)
    room = size - side
    for share in ((0.5, 0.5), (0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)):
        top, left = (int(r * s) for r, s in zip(room, share, strict=True))
        yield np.array([left, top], dtype=np.float64), picture[top : top + side[0], left : left + side[1]]


def _analysed(picture: Planes, side: int | None, tolerance: float) -> tuple[Analysis, float]:
    """The analysis of a picture of moderate size, in its own pixels, and how much its cells differ."""
    size = (picture.shape[0], picture.shape[1])
    basis = find_lattice(picture) if min(size) >= LEAST_SIDE else None
    if basis is None:
        return Analysis(size, problem="no lattice found"), 0.0
    middle = np.array([size[1] - 1, size[0] - 1]) / 2
    looked = _folded(picture, basis, middle, tolerance)
    if looked is not None and _primitive_area(looked[2]) < COARSE * abs(np.linalg.det(basis)):
        # More cells of the true period tell the cell better, and how far it is to be trusted.
        looked = _folded(picture, _primitive_basis(looked[1], looked[2]), middle, tolerance) or looked
    if looked is None:
        return Analysis(size, problem="less than one whole cell"), 0.0
    mean, basis, certificate = looked
    if math.sqrt(_primitive_area(certificate)) < SHORTEST_PERIOD:
        return Analysis(size, problem="no lattice found"), 0.0
    matrix, shift = np.array(certificate.frame.matrix), np.array(certificate.frame.shift)
    standard = basis @ np.linalg.inv(matrix)
    found = Analysis(
        size,
        certificate,
        basis=stretched(standard, certificate.lattice.metric),
        origin=_nearest(middle - standard @ shift, standard, middle),
        cell=_in_standard_setting(mean.samples, matrix, shift, side or mean.samples.shape[0]),
        cells_in_view=size[0] * size[1] / certificate.lattice.area,
    )
    return found, mean.unlike


def _folded(
    picture: Planes, basis: Floats, middle: Floats, tolerance: float
) -> tuple[MeanCell, Floats, Certificate] | None:
    """The mean cell, the basis after straightening and what the cell is; None if the picture shows no whole cell."""
    mean = average_cells(picture, basis, middle)
    if not mean.complete:
        return None
    basis = mean.stretch @ basis
    systematic = min(MOST_SYSTEMATIC, max(SYSTEMATIC + min(2 * mean.roughness, ROUGH), mean.drift))
    certificate = identify_samples(
        mean.samples,
        Lattice.from_metric(basis.T @ basis),
        noise=mean.noise,
        systematic=systematic,
        radius=FAITHFUL,
        tolerance=tolerance,
    )
    return mean, basis, certificate


def _primitive_area(certificate: Certificate) -> float:
    return certificate.lattice.area / len(certificate.plane_group.centring)


def _primitive_basis(basis: Floats, certificate: Certificate) -> Floats:
    """(2, 2) reduced vectors in pixels of the cell without centring that was found on the cell `basis`."""
    standard = basis @ np.linalg.inv(np.array(certificate.frame.matrix))
    primitive = standard @ standard_axes(certificate.group, np.eye(2))
    return np.asarray(primitive @ np.array(reduced_basis(primitive.T @ primitive)))


def _in_standard_setting(samples: Planes, matrix: Floats, shift: Floats, side: int) -> Planes:
    """(side, side, C) the cell seen from x_standard = `matrix` x + `shift`, by its Fourier coefficients."""
    cell = Samples(samples)
    half = min(side, samples.shape[0]) // 2
    steps = np.arange(-half + 1, half)
    waves = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    given = waves @ matrix
    whole = np.rint(given).astype(np.int64)
    known = (np.abs(given - whole).max(axis=1) < 1e-6) & (np.abs(whole).max(axis=1) < samples.shape[0] / 2)
    waves = waves[known]
    phase = np.exp(-2j * np.pi * (waves @ shift))
    spectrum = np.zeros((samples.shape[2], side, side), dtype=np.complex128)
    spectrum[:, waves[:, 0] % side, waves[:, 1] % side] = cell.at(whole[known]) * phase
    seen = fft.ifft2(spectrum, norm="forward").real
    return np.ascontiguousarray(np.clip(np.moveaxis(seen, 0, -1), 0, 1), dtype=np.float32)


def _nearest(origin: Floats, basis: Floats, point: Floats) -> Floats:
    """The lattice's translate of an origin that is nearest to a point, about."""
    return np.asarray(origin + basis @ np.rint(np.linalg.solve(basis, point - origin)))


def _shrunk(picture: Planes, factor: int) -> Planes:
    """Means over blocks of factor x factor pixels; a rest at the right and lower border is left out."""
    if factor == 1:
        return picture
    height, width = (length // factor for length in picture.shape[:2])
    blocks = picture[: height * factor, : width * factor].reshape(height, factor, width, factor, -1)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)


def _in_pixels(found: Analysis, size: tuple[int, int], factor: int, corner: Floats) -> Analysis:
    """An analysis of a shrunk picture, or of a part, in pixels of the whole."""
    if found.certificate is None or found.basis is None or found.origin is None:
        return replace(found, size=size)
    basis = found.basis * factor
    origin = found.origin * factor + (factor - 1) / 2 + corner
    certificate = replace(
        found.certificate,
        lattice=found.certificate.lattice.scaled(factor),
        measured=found.certificate.measured.scaled(factor),
    )
    return replace(
        found,
        size=size,
        certificate=certificate,
        basis=basis,
        origin=_nearest(origin, basis, np.array([size[1] - 1, size[0] - 1]) / 2),
        cells_in_view=size[0] * size[1] / certificate.lattice.area,
    )
