"""Pictures from files: any format that Pillow reads, in any mode, with limits that a hostile file cannot pass.

Also the one conversion of pixels to numbers that the judge uses. Knows nothing of symmetry.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

Floats = NDArray[np.float32]

MOST_PIXELS = 100_000_000
"""Pictures with more pixels are refused before they are decoded."""

RANGE_TOLERANCE = 1e-3
"""How far float samples may leave [0, 1] by rounding before they are taken for other units."""


def read_picture(path: str | Path) -> NDArray[np.generic]:
    """(H, W) or (H, W, 3), uint8 or uint16 of full range; transparency is laid over white, EXIF's orientation applied.

    Raises:
        ValueError: no picture, damaged, or more than `MOST_PIXELS`.
        FileNotFoundError, PermissionError: as they come.
    """
    try:
        return decode_picture(path, most_pixels=MOST_PIXELS)
    except (FileNotFoundError, PermissionError):
        raise
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def decode_picture(
    file: str | Path | BinaryIO,
    *,
    most_pixels: int,
    formats: tuple[str, ...] | None = None,
    longest_side: int | None = None,
) -> NDArray[np.generic]:
    """`read_picture` of a path or of an open file, such as bytes that came from somewhere; messages name no path.

    Args:
        formats: Pillow's names of those that are tried, such as "PNG"; all if None.
        longest_side: pixels along the longer side to which a larger picture is shrunk, with its shape kept.
    Raises: ValueError: see `read_picture`; PictureTooLarge if it is that.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata, and of sizes, which are checked here
        try:
            with Image.open(file, formats=formats) as opened:
                if opened.width * opened.height > most_pixels:
                    size = f"{opened.width} x {opened.height}"
                    raise PictureTooLarge(
                        f"a picture must have at most {most_pixels} pixels, but got {size}; shrink it"
                    )
                small = opened if longest_side is None else _shrunk(opened, longest_side)
                return _pixels(ImageOps.exif_transpose(small))
        except (FileNotFoundError, PermissionError, ValueError):
            raise
        except UnidentifiedImageError as error:
            raise ValueError("not a picture that can be read; give a PNG, JPEG or TIFF file") from error
        except Image.DecompressionBombError as error:
            raise PictureTooLarge(f"a picture must have at most {most_pixels} pixels, but got far more") from error
        except (OSError, SyntaxError, EOFError) as error:
            raise ValueError(f"damaged or unreadable picture ({error}); save it again") from error


class PictureTooLarge(ValueError):
    """More pixels than are decoded."""


def unit_samples(array: NDArray[np.generic]) -> Floats:
    """(H, W, C) float32 in [0, 1] from any array that the judge takes; C is 1 or 3, alpha is dropped.

    Raises: ValueError: another shape, type or range, or NaN.
    """
    values = np.asarray(array)
    if values.ndim == 2:
        values = values[..., None]
    if values.ndim != 3 or values.shape[2] not in (1, 3, 4) or not values.size:
        raise ValueError(f"samples must be (H, W), (H, W, 3) or (H, W, 4), but got {np.shape(array)}")
    values = values[..., :3]
    if values.dtype == np.bool_:
        return values.astype(np.float32)
    if values.dtype in (np.uint8, np.uint16):
        return values.astype(np.float32) / np.float32(np.iinfo(values.dtype).max)
    if values.dtype.kind != "f":
        raise ValueError(f"samples must be uint8, uint16 or float, but got {values.dtype}; convert them")
    low, high = float(values.min()), float(values.max())
    if not (low >= -RANGE_TOLERANCE and high <= 1 + RANGE_TOLERANCE):
        raise ValueError(f"float samples must be in [0, 1], but got {low:.4g}..{high:.4g}; divide 0-255 by 255")
    return values.astype(np.float32)


def contrasts(samples: Floats) -> NDArray[np.float64]:
    """(C,) standard deviation of each channel of (H, W, C) samples."""
    rows = samples.reshape(-1, samples.shape[2])
    rows = rows - np.full(len(rows), 1 / len(rows), np.float32) @ rows
    return np.asarray(np.sqrt(np.einsum("ij,ij->j", rows, rows) / len(rows)), dtype=np.float64)


def _shrunk(image: Image.Image, longest_side: int) -> Image.Image:
    """The picture, smaller if it must be. Of a JPEG no more is decoded than is needed for that."""
    if max(image.size) <= longest_side:
        return image
    if image.mode in ("P", "PA", "1"):  # numbers of colours have no mean
        kept = image.mode == "PA" or "transparency" in image.info
        image = image.convert("L" if image.mode == "1" else "RGBA" if kept else "RGB")
    image.thumbnail((longest_side, longest_side), reducing_gap=2.0)
    return image


def _pixels(image: Image.Image) -> NDArray[np.generic]:
    if image.mode.startswith("I") or image.mode == "F":
        return _deep_grey(np.asarray(image))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        whole = image.convert("RGBA")
        ground = Image.new("RGBA", whole.size, (255, 255, 255, 255))
        return np.asarray(Image.alpha_composite(ground, whole).convert("RGB"))
    if image.mode in ("L", "1"):
        return np.asarray(image.convert("L"))
    return np.asarray(image.convert("RGB"))


def _deep_grey(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """uint16 from 16- or 32-bit grey or float; values beyond 16 bits are scaled to their own range."""
    if values.dtype == np.uint16:
        return values
    numbers = values.astype(np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError("a picture's samples must be finite, but got NaN or infinity; replace them")
    low, high = min(0.0, float(numbers.min())), float(numbers.max())
    top = 1.0 if values.dtype.kind == "f" and high <= 1 else max(high, 65535.0 if values.dtype.kind != "f" else high)
    return np.rint((numbers - low) / max(top - low, 1e-12) * 65535).astype(np.uint16)
