"""An app whose first request is as fast as the later ones: its threads have answered an example before it starts.

An ASGI app in front of another. Knows neither MLflow nor models, and imports nothing of this package: it runs beside
the code that was kept with a model.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

THREADS = "WALLPAPER_SERVING_THREADS"
"""Environment variable: requests that a process computes at once; the others wait for their turn."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class Warm:
    """The app `inner`, whose `asyncio.to_thread` has `THREADS` threads, each of which has run `warm`."""

    def __init__(self, inner: App, warm: Callable[[], None]) -> None:
        """Raises: whatever `warm` raises."""
        self.inner, count = inner, threads()
        self.pool = ThreadPoolExecutor(count, thread_name_prefix="request")
        for done in [self.pool.submit(warm) for _ in range(count)]:
            done.result()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI has it."""
        if scope["type"] == "lifespan":
            asyncio.get_running_loop().set_default_executor(self.pool)
        await self.inner(scope, receive, send)


def threads() -> int:
    """What `THREADS` says, else one for each core and two at least, so that a short request passes a long one.

    Raises: ValueError: it is no number from 1 on.
    """
    given = os.environ.get(THREADS) or str(max(2, cores()))
    if not given.isdecimal() or int(given) < 1:
        raise ValueError(f"`{THREADS} >= 1` must hold, but got {given!r}")
    return int(given)


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
