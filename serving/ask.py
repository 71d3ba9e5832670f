"""Asks a server for one transition and writes it to files: what `wallpaper transition --endpoint` starts.

    python -m serving.ask http://127.0.0.1:5001 p1 p6m --output p1_p6m.gif

Frames come as pixels and are written here, as those are that are made without a server. Exit code 2 for what another
request or address would mend, 1 for what the server has to. Loads neither torch nor MLflow.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from serving.client import DEFAULT, HttpClient, ServiceError
from serving.received import Transition
from wallpaper.pictures.animation import DURATION_S, write_animation, write_png
from wallpaper.pictures.files import replacing
from wallpaper.plane.routes import ROUTES

ELSEWHERE = (404, 405)
"""Statuses with which a server says that nothing at this address takes requests; no request of ours names a sample."""


class NoTransitionError(Exception):
    """Something answers there, but not with transitions."""


def ask(endpoint: str, source: str, target: str, **options: Any) -> Transition:
    """The transition as the server answers it, frame by frame. Args: options: of `Client.transition`.

    Raises: ServiceError: it was refused, or no server answers. NoTransitionError: the address.
    """
    try:
        client = HttpClient(endpoint)
    except ValueError:
        raise NoTransitionError(
            f"`--endpoint` must be a server's address such as http://127.0.0.1:5001, but got {endpoint!r}"
        ) from None
    wrong = f"`--endpoint {endpoint}` must be the address of a server of transitions, as `wallpaper serve` prints it"
    try:
        return client.transition(source, target, format="png", **options)
    except ServiceError as error:
        if error.status not in ELSEWHERE:
            raise
        raise NoTransitionError(f"{wrong}, but it answered {error.status}") from error
    except (LookupError, TypeError, ValueError, AttributeError) as error:  # predictions of another model
        raise NoTransitionError(f"{wrong}, but it answered with something else") from error


def write(
    answer: Transition, folder: Path, output: Path, *, frames: Path | None, certify: Path | None, duration_s: float
) -> None:
    """Write the files, and say of each what it is. Args: folder: where relative paths begin.

    Raises: ValueError: too short for so many frames. OSError: a file that cannot be written.
    """
    write_animation(folder / output, list(answer.frames), duration_s=duration_s)
    _say(f"{output}: {summary(answer)}")
    if frames is not None:
        for number, picture in enumerate(answer.frames):
            write_png(folder / frames / f"{number:03d}.png", picture)
        _say(f"{frames}/: {len(answer.frames)} frames")
    if certify is not None:
        found = certificates(answer)
        with replacing(folder / certify) as temporary:
            temporary.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        exact = sum(row["verdict"] == "exact" for row in found["frames"])
        _say(f"{certify}: {exact} of the first and the last frame have exactly the planned group")


def summary(answer: Transition) -> str:
    """The way, what is kept on it, and who answered."""
    kept = f", every frame keeps {answer.common_group}" if len(answer.route) == 2 else ""
    way = f"{' to '.join(answer.route)}{kept}; path length {answer.path_length:.2f}, {answer.nfe} evaluations"
    return f"{way}; by {answer.model.get('name')} version {answer.model.get('version')}"


def certificates(answer: Transition) -> dict[str, Any]:
    """Those of the first and the last frame, in the form of those that are made without a server."""
    places, rows = {"first": 0, "last": -1}, []
    for name, row in (answer.certificates or {}).items():
        kept = {key: row[key] for key in ("found", "verdict", "problem", "certificate")}
        rows.append({"time": float(answer.times[places[name]]), "expected": row["planned"], **kept})
    return {"source": answer.source, "target": answer.target, "route": list(answer.route), "frames": rows}


def main(arguments: list[str] | None = None) -> int:
    """Ask from the command line; returns the exit code."""
    given = _parser().parse_args(arguments)
    names = ("seed", "n_frames", "size", "cells", "route")
    options = {name: getattr(given, name) for name in names}
    try:
        answer = ask(given.endpoint, given.source, given.target, certify=given.certify is not None, **options)
        files = {"frames": given.frames, "certify": given.certify}
        write(answer, given.folder, given.output, **files, duration_s=given.duration)
    except ServiceError as error:
        return _fail(str(error), 2 if error.caused_by_request else 1)
    except (NoTransitionError, OSError, ValueError) as error:
        return _fail(str(error), 2)
    except KeyboardInterrupt:
        return _fail("stopped", 130)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m serving.ask", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("endpoint", help="the server's address")
    parser.add_argument("source", help="group at the beginning")
    parser.add_argument("target", help="group at the end")
    parser.add_argument("--output", type=Path, required=True, help=".gif, .mp4, or .png for a strip of ten frames")
    parser.add_argument("--frames", type=Path, help="folder for every frame as a picture")
    parser.add_argument("--certify", type=Path, help=".json file for the certificates of both ends")
    parser.add_argument("--folder", type=Path, default=Path(), help="where relative paths begin (default: here)")
    parser.add_argument("--seed", type=int, default=0, help="which source pattern (default: %(default)s)")
    parser.add_argument("--n-frames", type=int, default=DEFAULT.n_frames, help="default: %(default)s")
    parser.add_argument("--size", type=int, default=DEFAULT.size, help="pixels along each side (default: %(default)s)")
    parser.add_argument("--cells", type=float, default=DEFAULT.cells, help="cells across (default: %(default)s)")
    parser.add_argument("--route", choices=ROUTES, default=DEFAULT.route, help="default: %(default)s")
    parser.add_argument("--duration", type=float, default=DURATION_S, help="seconds (default: %(default)s)")
    return parser


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def _fail(message: str, code: int) -> int:
    print(f"Error: {message}", file=sys.stderr)  # noqa: T201
    return code


if __name__ == "__main__":
    sys.exit(main())
