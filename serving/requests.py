"""What a client may ask for: checked rows and parameters, or a refusal that says what is wrong.

Knows neither MLflow nor models. A bad request never costs more than reading it: lengths are checked before
anything is decoded, and all rows before the first is answered.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from serving.fields import check_names, near, read_choice, read_flag, read_integer, read_latent, read_number
from serving.images import AUTO, decode_image
from serving.refusals import Refusal, in_row, show
from wallpaper.plane import GROUP_NAMES
from wallpaper.plane.routes import ROUTES, RouteKind, plan_route

Format = Literal["png", "gif", "mp4", "strip", "latent"]
FORMATS: tuple[str, ...] = get_args(Format)

N_FRAMES = (2, 240)
SIZES = (64, 1024)
CELLS = (0.5, 8.0)
SEEDS = (0, 2**32 - 1)
MOST_ROWS = 64
MOST_IMAGES = 4
"""Rows with an image: analysing one takes seconds at worst."""
MOST_FRAMES = 512
"""Frames of all rows of one request."""
MOST_PIXELS = MOST_FRAMES * 256**2
"""Pixels of all frames of one request: all of them at 256, or 32 at 1024."""

STARTS = ("image", "sample_id", "seed", "latent")
"""Where a transition may start; at most one of them in a row."""
COLUMNS = ("source_group", "target_group", *STARTS)


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
    route: RouteKind = "direct"
    """widest goes through other groups where that keeps more symmetry on the way."""
    certify: bool = False
    """Whether the judge looks at the first and the last frame."""


PARAMS = tuple(field.name for field in fields(Options))


@dataclass(frozen=True, slots=True)
class Limits:
    """What depends on the model."""

    latent_dim: int
    samples: Mapping[str, str]
    """Group of each sample that is packed with the model, by its id."""


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """One transition to make; it starts at the one of the last four that is given."""

    source: str
    """A group, or `AUTO` for the image's."""
    target: str
    seed: int | None = None
    image: NDArray[np.generic] | None = None
    """(H, W) or (H, W, 3): a picture of the plane."""
    sample_id: str | None = None
    latent: NDArray[np.float32] | None = None
    """(d,)."""


def parse_options(params: Mapping[str, Any] | None) -> Options:
    """The options of a request; what is missing or null has its default. Raises: Refusal."""
    check_names("parameter", (params or {}).keys(), PARAMS)
    given = {name: value for name, value in (params or {}).items() if value is not None}
    default = Options()
    kind = read_choice("format", given.get("format", default.format), FORMATS)
    route = read_choice("route", given.get("route", default.route), ROUTES)
    return Options(
        n_frames=read_integer("n_frames", given.get("n_frames", default.n_frames), N_FRAMES),
        format=next(each for each in get_args(Format) if each == kind),
        size=read_integer("size", given.get("size", default.size), SIZES),
        cells=read_number("cells", given.get("cells", default.cells), CELLS),
        route=next(each for each in ROUTES if each == route),
        certify=read_flag("certify", given.get("certify", default.certify)),
    )


def parse_requests(rows: Sequence[Mapping[str, Any]], options: Options, limits: Limits) -> list[Request]:
    """The rows of a request, in order. Raises: Refusal: names the row, if there are several, and the field."""
    _check_amount(rows, options)
    requests = []
    for index, row in enumerate(rows):
        with in_row(index, len(rows)):
            requests.append(_parse_row(row, options, limits))
    return requests


def _check_amount(rows: Sequence[Mapping[str, Any]], options: Options) -> None:
    if not 1 <= len(rows) <= MOST_ROWS:
        raise Refusal(f"rows: must be between 1 and {MOST_ROWS}, but got {len(rows)}", 413 if rows else 400)
    images = sum(_given(row, "image") is not None for row in rows)
    if images > MOST_IMAGES:
        raise Refusal(f"image: must be in at most {MOST_IMAGES} rows of a request, but got {images}", 413)
    product, terms = len(rows) * options.n_frames, f"{len(rows)} * {options.n_frames}"
    if product > MOST_FRAMES:
        raise Refusal(
            f"rows * n_frames: must be at most {MOST_FRAMES}, but got {terms} = {product}; ask for fewer frames", 413
        )
    pixels = product * options.size**2
    if options.format != "latent" and pixels > MOST_PIXELS:
        raise Refusal(
            f"rows * n_frames * size^2: must be at most {MOST_PIXELS}, but got {terms} * {options.size}^2 = {pixels}; "
            "ask for fewer or smaller frames",
            413,
        )


def _parse_row(row: Mapping[str, Any], options: Options, limits: Limits) -> Request:
    check_names("field of a row", row.keys(), COLUMNS)
    given = {name: value for name in STARTS if (value := _given(row, name)) is not None}
    if len(given) > 1:
        first, second = list(given)[:2]
        raise Refusal(f"{second}: must be left out when there is {first}, since a transition starts at one of them")
    source, target = _group("source_group", row, auto=True), _group("target_group", row)
    if source == AUTO and not given.keys() & {"image", "sample_id"}:
        raise Refusal(f"source_group: must be a group, since {AUTO!r} needs an image or a sample_id")
    if "sample_id" in given:
        name = _sample(given["sample_id"], limits)
        if source not in (AUTO, limits.samples[name]):
            raise Refusal(
                f"source_group: must be {limits.samples[name]}, the group of sample {name!r}, or {AUTO!r}, "
                f"but got {source!r}"
            )
        source = limits.samples[name]
        given["sample_id"] = name
    check_pair(source, target, options)
    if "image" in given:
        return Request(source, target, image=decode_image(given["image"]))
    if "latent" in given:
        return Request(source, target, latent=read_latent("latent", given["latent"], limits.latent_dim))
    if "sample_id" in given:
        return Request(source, target, sample_id=given["sample_id"])
    return Request(source, target, seed=read_integer("seed", given.get("seed", 0), SEEDS, text=True))


def check_pair(source: str, target: str, options: Options) -> None:
    """Raises: Refusal: the same group twice, or fewer frames than the route shows groups."""
    if source == AUTO:  # not known yet
        return
    if source == target:
        raise Refusal(f"target_group: must differ from source_group, but both are {source!r}")
    groups = plan_route(source, target, options.route).groups
    if options.n_frames < len(groups):
        way = " to ".join(groups)
        raise Refusal(
            f"n_frames: must be at least {len(groups)} to show each group of the route {way}, "
            f"but got {options.n_frames}"
        )


def _sample(value: Any, limits: Limits) -> str:
    if not isinstance(value, str):
        raise Refusal(f"sample_id: must be text such as 'p4m-0', but got {show(value)}")
    if value not in limits.samples:
        names = list(limits.samples)
        kept = f"the model keeps {len(names)}, {names[0]} to {names[-1]}" if names else "the model keeps none"
        raise Refusal(f"sample_id: no sample is {show(value)}; {kept}{near(value, names)}", 404)
    return value


def _group(field: str, row: Mapping[str, Any], *, auto: bool = False) -> str:
    value = _given(row, field)
    names = (*GROUP_NAMES, AUTO) if auto else GROUP_NAMES
    if value is None:
        raise Refusal(f"{field}: must be given, one of {', '.join(names)}")
    return read_choice(field, value, names)


def _given(row: Mapping[str, Any], field: str) -> Any:
    """The row's value; None where it is missing, null, or the not-a-number that tables fill gaps with."""
    value = row.get(field)
    return None if isinstance(value, float) and math.isnan(value) else value
