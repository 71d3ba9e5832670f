"""One field of a request at a time: its value in the type that the library takes, or a refusal that says why not.

A row's values may be text, as in a table of strings; parameters have JSON's types.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import json
import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.refusals import SHOWN, Refusal, show

LARGEST_LATENT = 1e3
"""Latents of pictures are of order one; beyond this the field and the decoder were never seen."""

_DIGITS = 20  # of a whole number in text


def read_integer(field: str, value: Any, bounds: tuple[int, int], *, text: bool = False) -> int:
    """A whole number, also as a float without a fraction; with `text` also in digits."""
    number: int | None = None
    if text and isinstance(value, str):
        digits = value.strip()
        number = int(digits) if len(digits) <= _DIGITS and digits.isascii() and digits.isdecimal() else None
    elif isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        number = int(value)
    elif isinstance(value, (float, np.floating)):
        number = int(value) if value.is_integer() else None
    if number is None or not bounds[0] <= number <= bounds[1]:
        raise Refusal(f"{field}: must be an integer from {bounds[0]} to {bounds[1]}, but got {show(value)}")
    return number


def read_number(field: str, value: Any, bounds: tuple[float, float]) -> float:
    """A number, not its text."""
    usable = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not usable or not bounds[0] <= value <= bounds[1]:
        raise Refusal(f"{field}: must be a number from {bounds[0]:g} to {bounds[1]:g}, but got {show(value)}")
    return float(value)


def read_flag(field: str, value: Any) -> bool:
    """True or false."""
    if not isinstance(value, (bool, np.bool_)):
        raise Refusal(f"{field}: must be true or false, but got {show(value)}")
    return bool(value)


def read_choice(field: str, value: Any, choices: Sequence[str]) -> str:
    """One of a few names."""
    if not isinstance(value, str) or value not in choices:
        raise Refusal(f"{field}: must be one of {', '.join(choices)}, but got {show(value)}{near(value, choices)}")
    return value


def check_names(what: str, names: Collection[Any], known: Sequence[str]) -> None:
    """Raises: Refusal: a name that is not known, with the one that may be meant."""
    unknown = next((name for name in names if name not in known), None)
    if unknown is not None:
        hint = near(unknown, known)
        raise Refusal(f"{show(unknown)}: no {what} has this name; allowed are {', '.join(known)}{hint}")


def near(value: Any, choices: Sequence[str]) -> str:
    """A hint at the choice that may be meant."""
    found = difflib.get_close_matches(str(value)[:SHOWN], choices, n=1) if isinstance(value, str) else []
    return f"; did you mean {found[0]!r}?" if found else ""


def read_bytes(field: str, value: Any, most: int, what: str) -> bytes:
    """Bytes from base64 text, with or without line breaks; the length is checked first."""
    if not isinstance(value, str):
        raise Refusal(f"{field}: must be the base64 text of {what}, but got {show(value)}")
    if len(value) > 2 * most:
        raise Refusal(f"{field}: must be at most {most} bytes, but got about {len(value) * 3 // 4}", 413)
    try:
        content = base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(f"{field}: must be the base64 text of {what}, but got {show(value)}") from None
    if len(content) > most:
        raise Refusal(f"{field}: must be at most {most} bytes, but got {len(content)}", 413)
    return content


def read_latent(field: str, value: Any, dimension: int) -> NDArray[np.float32]:
    """(d,) from the base64 text of little-endian float32, as answers have it, or from a list of numbers or its text."""
    allowed = f"{dimension} numbers, as a list or as the base64 text of little-endian float32"
    if isinstance(value, str) and value.lstrip().startswith("["):
        if len(value) > 40 * dimension:
            raise Refusal(f"{field}: must be {allowed}, but got {len(value)} characters", 413)
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise Refusal(f"{field}: must be {allowed}, but got {show(value)}") from None
    if isinstance(value, str):
        content = read_bytes(field, value, 4 * dimension + 4, allowed)
        if len(content) != 4 * dimension:
            raise Refusal(f"{field}: must be {allowed}, but got {len(content)} bytes instead of {4 * dimension}")
        numbers = np.frombuffer(content, dtype="<f4").astype(np.float64)
    else:
        numbers = _listed(field, value, dimension, allowed)
    if not (np.abs(numbers) <= LARGEST_LATENT).all():
        wrong = int(np.argmin(np.abs(numbers) <= LARGEST_LATENT))
        raise Refusal(
            f"{field}: every number must be from {-LARGEST_LATENT:g} to {LARGEST_LATENT:g}, "
            f"but got {numbers[wrong]:g} at place {wrong}"
        )
    return numbers.astype(np.float32)


def _listed(field: str, value: Any, dimension: int, allowed: str) -> NDArray[np.float64]:
    if not isinstance(value, (list, tuple, np.ndarray)) or len(value) != dimension:
        raise Refusal(f"{field}: must be {allowed}, but got {show(value)}")
    strays = (number for number in value if isinstance(number, bool) or not isinstance(number, (int, float, np.number)))
    stray = next(strays, None)
    if stray is not None or any(each is None for each in value):
        raise Refusal(f"{field}: must be {allowed}, but got {show(stray)} among them")
    return np.array([_finite(number) for number in value])


def _finite(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:  # a whole number of hundreds of digits
        return math.inf
