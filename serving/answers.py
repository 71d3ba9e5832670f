"""From a transition to the plain data of an answer: numbers, pictures as base64 text, certificates of both ends.

What an answer holds is written down in schema.json. Nothing here knows models or requests in flight.
"""

from __future__ import annotations

import base64
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch

from serving.png import png
from serving.requests import Options
from wallpaper.judge import identify
from wallpaper.pictures.animation import write_gif, write_mp4
from wallpaper.pictures.render import Picture
from wallpaper.pictures.strip import spread, strip
from wallpaper.transition import LatentPath, Transition, pictures, verdict

MEDIA_TYPES = {"png": "image/png", "strip": "image/png", "gif": "image/gif", "mp4": "video/mp4", "latent": None}
STRIP_FRAMES = 10
DURATION_S = 2.5


def describe(path: LatentPath, options: Options) -> dict[str, Any]:
    """All of an answer that needs no pictures."""
    return {
        "source_group": path.source,
        "target_group": path.target,
        "common_subgroup": path.alignment.common_group,
        "route": list(path.route.groups),
        "times": path.times.tolist(),
        "latents": numbers(path.latents),
        "lattices": [{"a": cell.a, "b": cell.b, "gamma": cell.gamma} for cell in path.lattices],
        "rotations": list(path.rotations),
        "nfe": path.nfe,
        "path_length": path.path_length,
        "format": options.format,
        "media_type": MEDIA_TYPES[options.format],
        "certificates": None,
    }


def draw(result: Transition, options: Options) -> dict[str, Any]:
    """The rest: `frames` or `file`, and the certificates if they are asked for."""
    drawn: dict[str, Any] = {}
    if options.format != "latent":
        frames = pictures(result, size=options.size, cells=options.cells)
        drawn |= {"frames": pngs(frames)} if options.format == "png" else {}
        drawn |= {"file": _file(frames, options)} if options.format != "png" else {}
    if options.certify:
        drawn["certificates"] = {"first": _certificate(result, 0), "last": _certificate(result, len(result.times) - 1)}
    return drawn


def numbers(values: torch.Tensor) -> dict[str, Any]:
    """A float32 tensor as base64 of its little-endian bytes, the last index running fastest: exact, and short."""
    content = values.detach().cpu().contiguous().numpy().astype("<f4").tobytes()
    return {"dtype": "float32", "shape": list(values.shape), "data": base64.b64encode(content).decode("ascii")}


def _certificate(result: Transition, index: int) -> dict[str, Any]:
    """What the judge says of one frame; a flat one has no group."""
    planned, lattice = result.planned(index)[0], result.lattices[index]
    answer: dict[str, Any] = {"planned": planned, "found": None, "verdict": None, "problem": None, "certificate": None}
    try:
        certificate = identify(result.frames[index].permute(1, 2, 0).cpu().numpy(), lattice)
    except ValueError as error:
        return answer | {"problem": str(error)}
    found = {"found": certificate.group, "verdict": verdict(certificate, planned, lattice)}
    return answer | found | {"certificate": certificate.to_dict()}


def _file(frames: list[Picture], options: Options) -> str:
    """All frames as one file, in base64."""
    if options.format == "strip":
        return _png(strip([frames[index] for index in spread(len(frames), STRIP_FRAMES)]))
    duration = max(DURATION_S, 0.02 * len(frames))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"transition.{options.format}"
        if options.format == "gif":
            write_gif(path, frames, duration_s=duration)
        else:
            write_mp4(path, frames, fps=len(frames) / duration)
        return base64.b64encode(path.read_bytes()).decode("ascii")


def pngs(pictures: list[Picture]) -> list[str]:
    """Each in base64; most of the work is done without holding Python's lock."""
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        return list(pool.map(_png, pictures))


def _png(picture: Picture) -> str:
    return base64.b64encode(png(picture)).decode("ascii")
