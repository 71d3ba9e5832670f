"""Animations and pictures as files: GIF, MP4, PNG, each whole or absent.

Frames are finished pictures, uint8 (h, w, 3); nothing here knows where they come from.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from PIL import Image

from wallpaper.pictures.files import replacing
from wallpaper.pictures.render import Picture
from wallpaper.pictures.strip import one_shape, spread, strip

DURATION_S = 2.5
"""How long an animation lasts: 50 frames at 20 a second."""

STRIP_FRAMES = 10

PALETTE_SAMPLES = 1 << 17
"""Pixels from all frames that choose a GIF's 256 colours."""

PathLike = str | os.PathLike[str]


def write_gif(
    path: PathLike, frames: Sequence[Picture], *, duration_s: float = DURATION_S, hold_s: float = 0.0, loop: bool = True
) -> None:
    """Write a GIF that lasts `duration_s`, plus `hold_s` on the first and on the last frame.

    One palette serves all frames and nothing is dithered, so what does not move does not flicker.
    A GIF counts hundredths of a second: frame times are rounded so that their sum is right.

    Args: frames: each (h, w, 3) uint8, all of one shape.
    Raises: ValueError: frames of other or several shapes, none at all, or less than 0.02 s a frame,
        which viewers slow down to 0.1 s.
    """
    one_shape(frames)
    times = _hundredths(len(frames), duration_s)
    if min(times) < 2:
        raise ValueError(f"`duration_s >= 0.02 * len(frames)` must hold, but got {duration_s} for {len(frames)} frames")
    times[0] += round(100 * hold_s)
    times[-1] += round(100 * hold_s)
    palette = _shared_palette(frames)
    images = [Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    options: dict[str, int] = {"loop": 0} if loop else {}
    with replacing(path) as temporary:
        images[0].save(
            temporary,
            format="GIF",
            save_all=True,
            append_images=images[1:],
            duration=[10 * time for time in times],
            optimize=False,
            **options,
        )


def write_mp4(path: PathLike, frames: Sequence[Picture], *, fps: float = 20.0) -> None:
    """Write H.264 in yuv420p, which every browser plays; odd sizes gain one row or column.

    Args: frames: each (h, w, 3) uint8, all of one shape.
    Raises: ValueError: frames of other or several shapes, none at all, or fps not positive.
    """
    height, width = one_shape(frames)
    if not (math.isfinite(fps) and fps > 0):
        raise ValueError(f"`fps > 0` must hold, but got {fps}")
    pad = ((0, height % 2), (0, width % 2), (0, 0))
    bt709 = ["-vf", "scale=out_color_matrix=bt709", "-x264-params", "colorprim=bt709:transfer=bt709:colormatrix=bt709"]
    with replacing(path) as temporary:
        encoder = imageio_ffmpeg.write_frames(
            str(temporary),
            (width + width % 2, height + height % 2),
            pix_fmt_out="yuv420p",
            fps=fps,
            quality=None,
            codec="libx264",
            macro_block_size=2,
            ffmpeg_log_level="error",
            output_params=["-crf", "16", *bt709, "-movflags", "+faststart"],
        )
        with closing(encoder):
            encoder.send(None)
            for frame in frames:
                encoder.send(np.ascontiguousarray(np.pad(frame, pad, mode="edge")))


def write_png(path: PathLike, picture: Picture) -> None:
    """Write one (h, w, 3) uint8 picture. Raises: ValueError: any other array."""
    one_shape([picture])
    with replacing(path) as temporary:
        Image.fromarray(picture).save(temporary, format="PNG", compress_level=6)


def write_animation(path: PathLike, frames: Sequence[Picture], *, duration_s: float = DURATION_S) -> None:
    """Write frames as the path's suffix says: .gif, .mp4, or .png for a strip of ten of them.

    Raises: ValueError: any other suffix; and see the writers.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".gif":
        write_gif(path, frames, duration_s=duration_s)
    elif suffix == ".mp4":
        write_mp4(path, frames, fps=len(frames) / duration_s)
    elif suffix == ".png":
        one_shape(frames)
        write_png(path, strip([frames[index] for index in spread(len(frames), STRIP_FRAMES)]))
    else:
        raise ValueError(f"an animation's suffix must be .gif, .mp4 or .png, but got {suffix!r} in {os.fspath(path)!r}")


def _hundredths(count: int, duration_s: float) -> list[int]:
    """Whole hundredths of a second for each frame, with the right sum."""
    ends = [round(100 * duration_s * k / count) for k in range(count + 1)]
    return [end - start for start, end in pairwise(ends)]


def _shared_palette(frames: Sequence[Picture]) -> Image.Image:
    """256 colours for all frames, from an even sample of their pixels."""
    pixels = np.concatenate([frame.reshape(-1, 3) for frame in frames])
    step = max(1, len(pixels) // PALETTE_SAMPLES)
    chosen = pixels[::step]
    return Image.fromarray(chosen[:, None]).quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=3)
