"""What a client may ask for: checked rows and parameters, or one sentence that says what is wrong.

Knows neither MLflow nor models. A bad request never costs more than reading it: lengths are checked
before anything is decoded, and the size of an image before its pixels are.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wallpaper.plane import GROUP_NAMES

Format = Literal["png", "gif", "mp4", "strip", "latent"]
FORMATS: tuple[str, ...] = get_args(Format)

MOST_ROWS = 64
N_FRAMES = (2, 240)
SIZES = (64, 1024)
CELLS = (0.5, 8.0)
SEEDS = (0, 2**32 - 1)
MOST_IMAGE_BYTES = 4 * 2**20
MOST_IMAGE_SIDE = 2048
MOST_PIXELS = 64 * 10**6
"""Pixels of all frames of one request: 64 rows of 15 frames at 256, or one of 61 at 1024."""

_SHOWN = 40  # characters of a client's value that an error repeats


class BadRequest(ValueError):
    """The request cannot be answered; the message names the field, the value and what is allowed."""


@dataclass(frozen=True, slots=True)
class Options:
    """What all rows of a request share."""

    n_frames: int = 16
    """Frames, both ends included."""
    format: Format = "png"
    """png is a list of frames; gif, mp4 and strip are one file; latent is the path without pictures."""
    size: int = 256
    """Pixels along each side of a frame."""
    cells: float = 2.5
    """Primitive cells across a frame, about."""


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """One transition to make, from a seed's pattern or from the client's own."""

    source: str
    target: str
    seed: int = 0
    image: NDArray[np.uint8] | None = None
    """(n, n, 3): one conventional cell of the source group in the lattice frame."""


def parse_options(params: Mapping[str, Any] | None) -> Options:
    """The options of a request; what is missing or null has its default. Raises: BadRequest."""
    given = {name: value for name, value in (params or {}).items() if value is not None}
    default = Options()
    kind = given.get("format", default.format)
    if kind not in FORMATS:
        raise BadRequest(f"format: must be one of {', '.join(FORMATS)}, but got {_show(kind)}")
    return Options(
        n_frames=_integer("n_frames", given.get("n_frames", default.n_frames), N_FRAMES),
        format=kind,
        size=_integer("size", given.get("size", default.size), SIZES),
        cells=_number("cells", given.get("cells", default.cells), CELLS),
    )


def parse_requests(rows: Sequence[Mapping[str, Any]], options: Options, resolution: int) -> list[Request]:
    """The rows of a request, in order.

    Args: resolution: samples along each side of the model's cell.
    Raises: BadRequest: names the row, if there are several, and the field.
    """
    if not 1 <= len(rows) <= MOST_ROWS:
        raise BadRequest(f"rows: must be between 1 and {MOST_ROWS}, but got {len(rows)}")
    pixels = len(rows) * options.n_frames * options.size**2
    if options.format != "latent" and pixels > MOST_PIXELS:
        raise BadRequest(
            f"rows * n_frames * size^2: must be at most {MOST_PIXELS}, but got "
            f"{len(rows)} * {options.n_frames} * {options.size}^2 = {pixels}; ask for fewer or smaller frames"
        )
    requests = []
    for index, row in enumerate(rows):
        try:
            requests.append(_parse_row(row, resolution))
        except BadRequest as error:
            raise error if len(rows) == 1 else BadRequest(f"row {index}, {error}") from None
    return requests


def _parse_row(row: Mapping[str, Any], resolution: int) -> Request:
    source, target = _group("source_group", row), _group("target_group", row)
    if source == target:
        raise BadRequest(f"target_group: must differ from source_group, but both are {source!r}")
    seed, image = _given(row, "seed"), _given(row, "image")
    if seed is not None and image is not None:
        raise BadRequest("seed: must be left out when there is an image, since only one of them can be the source")
    if image is not None:
        return Request(source, target, image=decode_image(image, resolution))
    return Request(source, target, seed=0 if seed is None else _integer("seed", seed, SEEDS))


def decode_image(text: Any, resolution: int) -> NDArray[np.uint8]:
    """A base64 PNG of one cell as (resolution, resolution, 3); pixel row i, column j is the sample at x = i/n, y = j/n.

    A cell of a multiple of the model's resolution is reduced by averaging around each sample.
    Raises: BadRequest.
    """
    if not isinstance(text, str):
        raise BadRequest(f"image: must be the base64 text of a PNG, but got {_show(text)}")
    text = text.strip().removeprefix("data:image/png;base64,")
    if len(text) > 4 * math.ceil(MOST_IMAGE_BYTES / 3):
        raise BadRequest(f"image: must be at most {MOST_IMAGE_BYTES} bytes, but got about {len(text) * 3 // 4}")
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest(f"image: must be the base64 text of a PNG, but got {_show(text)}") from None
    pixels = _decode_png(content, resolution)
    return reduce(pixels, resolution)


def reduce(pixels: NDArray[np.uint8], resolution: int) -> NDArray[np.uint8]:
    """A periodic (k n, k n, 3) image on n samples: a triangle around each, so that the origin stays a sample."""
    factor = len(pixels) // resolution
    values = pixels.astype(np.float64)
    for axis in (0, 1):
        weights = {step: (factor - abs(step)) / factor**2 for step in range(1 - factor, factor)}
        spread = sum(weight * np.roll(values, -step, axis) for step, weight in weights.items())
        values = np.take(spread, range(0, len(pixels), factor), axis)
    return np.rint(values).astype(np.uint8)


def _decode_png(content: bytes, resolution: int) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as opened:
            (width, height), mode = opened.size, opened.mode
            _check_png(width, height, mode, resolution)
            opened.verify()  # the checksums, without decoding
        with Image.open(io.BytesIO(content), formats=["PNG"]) as opened:
            return np.asarray(opened.convert("RGB"))
    except BadRequest:
        raise
    except Exception:  # a damaged file makes Pillow raise many kinds
        raise BadRequest(f"image: must be a whole PNG file, but got {len(content)} bytes that are none") from None


def _check_png(width: int, height: int, mode: str, resolution: int) -> None:
    if width != height or width % resolution or not 0 < width <= MOST_IMAGE_SIDE:
        raise BadRequest(
            f"image: must be one square cell of {resolution} x {resolution} pixels, or a multiple of it up to "
            f"{MOST_IMAGE_SIDE}, but got {width} x {height}"
        )
    if mode not in ("RGB", "RGBA", "L", "LA", "P", "1"):
        raise BadRequest(f"image: must have 8 bits for each colour, but got a PNG of mode {mode}")


def _group(field: str, row: Mapping[str, Any]) -> str:
    value = _given(row, field)
    if value is None:
        raise BadRequest(f"{field}: must be given, one of {', '.join(GROUP_NAMES)}")
    if value not in GROUP_NAMES:
        near = difflib.get_close_matches(str(value)[:_SHOWN], GROUP_NAMES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise BadRequest(f"{field}: must be one of {', '.join(GROUP_NAMES)}, but got {_show(value)}{hint}")
    return str(value)


def _given(row: Mapping[str, Any], field: str) -> Any:
    """The row's value; None where it is missing, null, or the not-a-number that tables fill gaps with."""
    value = row.get(field)
    return None if isinstance(value, float) and math.isnan(value) else value


def _integer(field: str, value: Any, bounds: tuple[int, int]) -> int:
    """An integer, also as text or as a float without a fraction: rows of a table may hold either."""
    number: int | None = None
    if isinstance(value, str) and len(value) <= 20 and value.strip().isdecimal():
        number = int(value)
    elif isinstance(value, (int, float, np.integer)) and not isinstance(value, bool) and math.isfinite(value):
        number = int(value) if value == int(value) else None
    if number is None or not bounds[0] <= number <= bounds[1]:
        raise BadRequest(f"{field}: must be an integer from {bounds[0]} to {bounds[1]}, but got {_show(value)}")
    return number


def _number(field: str, value: Any, bounds: tuple[float, float]) -> float:
    usable = isinstance(value, (int, float, np.floating)) and not isinstance(value, bool)
    if not usable or not bounds[0] <= value <= bounds[1]:
        raise BadRequest(f"{field}: must be a number from {bounds[0]:g} to {bounds[1]:g}, but got {_show(value)}")
    return float(value)


def _show(value: Any) -> str:
    """A client's value, cut short: an error must not send a whole image back."""
    text = repr(value[: _SHOWN + 1] if isinstance(value, str) else value)
    return text if len(text) <= _SHOWN + 2 else text[:_SHOWN] + "..."
