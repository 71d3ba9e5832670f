"""Whether a Ray cluster answers at an address: Ray itself waits for minutes where nobody does, or something else.

Knows no Ray, only that its head speaks gRPC.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

import grpc  # type: ignore[import-untyped, unused-ignore]

_PROBE_SECONDS = 5.0


def check_answers(address: str) -> None:
    """Raises: ValueError: nobody listens there, or something else than Ray."""
    if address == "auto" and not (address := _noted()):  # Ray looks for one, and says at once if it finds none
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"`--address` must be auto or host:port, but got {address!r}")
    wrong = f"`--address {address}` must be a running Ray cluster's, but"
    try:
        socket.create_connection((host, int(port)), _PROBE_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise ValueError(f"{wrong} nobody answers ({error}); start one with `ray start --head`") from error
    with grpc.insecure_channel(address, [("grpc.enable_http_proxy", 0)]) as channel:
        try:
            grpc.channel_ready_future(channel).result(_PROBE_SECONDS)
        except grpc.FutureTimeoutError as error:
            raise ValueError(f"{wrong} no Ray answers there; start one with `ray start --head`") from error


def _noted() -> str:
    """The cluster that Ray takes for auto: of the environment, else of the last `ray start`, which may have died."""
    place = Path(os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp", "ray", "ray_current_cluster")
    own = os.environ.get("RAY_ADDRESS", "")
    return own or (place.read_text(encoding="utf-8").strip() if place.is_file() else "")
