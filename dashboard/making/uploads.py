"""A picture that somebody gives as the start of a transition: decoded within limits, analysed, and said in words.

Bytes from anywhere: size and format are checked before anything is decoded.
"""

from __future__ import annotations

import hashlib
import io
import threading
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wallpaper.judge import Certificate, analyse
from wallpaper.judge.reading import PictureTooLarge, decode_picture, unit_samples
from wallpaper.plane import Lattice, plane_group

MOST_BYTES = 16 * 2**20
MOST_PIXELS = 50_000_000
"""Those of a telephone's camera; of more, nothing is decoded."""

LONGEST_SIDE = 2048
"""Pixels along the longer side to which a larger picture is shrunk; the judge looks at fewer yet, or at parts."""

FORMATS = ("PNG", "JPEG", "WEBP")

TOO_LARGE = (
    f"A picture may have at most {MOST_BYTES // 2**20} MB and {MOST_PIXELS // 10**6} megapixels, but this has more: "
    "shrink it."
)

_decoding = threading.Lock()
"""One at a time: the largest takes some 200 MB until it is shrunk."""


class RefusedPictureError(ValueError):
    """Why a picture cannot be a start, in one sentence."""


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """One exact place to start from: a cell of the picture, in the lattice frame."""

    content: bytes
    """The file."""
    cell: NDArray[np.float32]
    """(n, n, 3) in [0, 1]; [i, j] is the sample at i/n along a, j/n along b."""
    lattice: Lattice
    """Of unit area."""
    certificate: Certificate
    cells_in_view: float

    @property
    def digest(self) -> str:
        """Of the file."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def group(self) -> str:
        """That the picture has."""
        return self.certificate.group

    @property
    def words(self) -> str:
        """The certificate in words."""
        found = self.certificate
        lattice, row = found.lattice, plane_group(found.group)
        return (
            f"This is {found.group} ({row.full_symbol}, orbifold {row.orbifold}), {sure(found.probability)}. Its cell "
            f"measures {lattice.a:.1f} by {lattice.b:.1f} pixels at {lattice.gamma:.1f}°, {self.cells_in_view:.1f} of "
            f"them in view. The weakest of its {len(found.operations)} operations holds with a correlation of "
            f"{found.weakest_true:.3f}; the strongest that it must not have reaches {found.strongest_false:.3f}."
        )


def at_side(start: Start, side: int) -> Start:
    """The start with so many samples along each axis, for another model. Blocks. Raises: see `read_start`."""
    return start if len(start.cell) == side else read_start(start.content, side)


def sure(probability: float) -> str:
    """How sure the judge is.

    >>> sure(0.9999), sure(0.42)
    ('with a certainty above 99.9 %', 'with a certainty of 42.0 %')
    """
    return "with a certainty above 99.9 %" if probability > 0.999 else f"with a certainty of {100 * probability:.1f} %"


def read_start(content: bytes, side: int) -> Start:
    """The start that a file's picture is. Blocks for up to seconds.

    Args: side: samples along each axis of the cell, those of the model.
    Raises: RefusedPictureError: too large, no picture, damaged, or nothing repeats in it.
    """
    if len(content) > MOST_BYTES:
        raise RefusedPictureError(TOO_LARGE)
    try:
        with _decoding:
            picture = decode_picture(
                io.BytesIO(content), most_pixels=MOST_PIXELS, formats=FORMATS, longest_side=LONGEST_SIDE
            )
    except PictureTooLarge as error:
        raise RefusedPictureError(TOO_LARGE) from error
    except Exception as error:  # a damaged file makes Pillow raise many kinds
        raise RefusedPictureError("This is not a whole PNG, JPEG or WebP picture: save it again.") from error
    try:
        found = analyse(picture, side=side)
    except ValueError as error:
        raise RefusedPictureError(f"This picture cannot be judged: {error}.") from error
    if found.certificate is None or found.cell is None:
        raise RefusedPictureError(f"No group was found ({found.problem}). {found.advice}")
    certificate = _in_pixels_of(content, found.certificate)
    lattice = certificate.lattice
    cell = np.broadcast_to(unit_samples(found.cell), (side, side, 3)).copy()
    return Start(content, cell, lattice.scaled(lattice.area**-0.5), certificate, found.cells_in_view)


def _in_pixels_of(content: bytes, certificate: Certificate) -> Certificate:
    """The certificate of a picture that was shrunk, in pixels of its file, which people know."""
    with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
        factor = max(1.0, max(opened.size) / LONGEST_SIDE)
    return replace(
        certificate, lattice=certificate.lattice.scaled(factor), measured=certificate.measured.scaled(factor)
    )
