"""A transition as a file to keep: GIF, MP4, a strip, a seamless tile or an SVG of one frame. Only bytes; all block.

Knows neither models nor pages; a transition comes made.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from PIL import Image

from wallpaper.pictures.animation import write_gif, write_mp4
from wallpaper.pictures.render import Picture
from wallpaper.pictures.seamless import seamless_tile
from wallpaper.pictures.strip import spread, strip
from wallpaper.pictures.svg import pattern_svg
from wallpaper.transition import Transition, pictures

SIZE, CELLS, SECONDS = 384, 2.2, 2.5
STRIP_FRAMES, STRIP_SIZE = 8, 200

KINDS: dict[str, str] = {
    "movie.gif": "image/gif",
    "movie.mp4": "video/mp4",
    "strip.png": "image/png",
    "tile.png": "image/png",
    "tile.svg": "image/svg+xml",
}
"""Names of files, with their types."""


def encode(result: Transition, kind: str, frame: int) -> bytes:
    """The bytes of one of `KINDS`.

    Args: frame: the one that a tile shows.
    Raises: ValueError: another kind or frame, or no rectangle fits the frame's lattice.
    """
    if kind not in KINDS or not 0 <= frame < len(result.times):
        raise ValueError(
            f"`kind` must be one of {', '.join(KINDS)} and the frame one of all, but got {kind!r}, {frame}"
        )
    if kind.startswith("movie"):
        return _movie(pictures(result, size=SIZE, cells=CELLS), kind)
    if kind == "strip.png":
        return _strip(result)
    pattern, lattice = result.frames[frame].cpu().numpy(), result.lattices[frame]
    if kind == "tile.svg":
        return pattern_svg(pattern, lattice, title=f"{result.source} to {result.target}").encode()
    return png(seamless_tile(pattern, lattice).picture)


def png(picture: Picture) -> bytes:
    """A picture as a PNG."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG", compress_level=6)
    return stream.getvalue()


def _movie(frames: list[Picture], kind: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="wallpaper-movie-") as folder:
        path = Path(folder) / kind
        if kind.endswith(".gif"):
            write_gif(path, frames, duration_s=SECONDS, hold_s=0.4)
        else:
            write_mp4(path, frames, fps=len(frames) / SECONDS)
        return path.read_bytes()


def _strip(result: Transition) -> bytes:
    shown = spread(len(result.times), STRIP_FRAMES)
    captions = [f"t = {float(result.times[index]):.2f}" for index in shown]
    small = pictures(result.at(shown), size=STRIP_SIZE, cells=CELLS)
    return png(strip(small, STRIP_FRAMES, captions=captions, ends=(result.source, result.target)))
