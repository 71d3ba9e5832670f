"""Reconstructions as rows: which pattern, how large its error is, in which order to show them.

Plain data in, plain data out; knows no picture's bytes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from wallpaper.pictures.colours import BY_ROTATION

ORDERS = {"group": "By group", "worst": "Worst first", "best": "Best first"}


@dataclass(frozen=True, slots=True)
class Row:
    """One pattern: a row of three tiles in the sheet."""

    group: str
    place: int
    """Of the row in the sheet, from the top."""
    psnr: float
    """In dB."""
    mse: float


def read_rows(content: str) -> list[Row]:
    """Read what a training left. Raises: ValueError: it is not of that form."""
    try:
        found = json.loads(content)["rows"]
        return [Row(str(row["group"]), place, float(row["psnr"]), float(row["mse"])) for place, row in enumerate(found)]
    except (KeyError, TypeError) as error:
        raise ValueError(f"reconstructions must have rows of group, psnr and mse, but: {error!r}") from error


def ordered(rows: Sequence[Row], order: str) -> list[Row]:
    """Rows in one of `ORDERS`; groups by their order of rotation."""
    if order == "group":
        return sorted(rows, key=lambda row: BY_ROTATION.index(row.group) if row.group in BY_ROTATION else len(rows))
    return sorted(rows, key=lambda row: row.psnr, reverse=order == "best")
