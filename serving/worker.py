"""One process of a server: uvicorn with `serving.app:app` on a socket that the supervisor has bound.

    python -m serving.worker SOCKET LINK GRACE

The first two are inherited file descriptors. Over the link goes one message, `READY` or why there is no server; when
the supervisor ends, however that happens, the link closes and the worker stops as on SIGTERM. Loads nothing of the
library: the code that was kept with the model answers.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import traceback

import uvicorn
from uvicorn.config import LOGGING_CONFIG, STARTUP_FAILURE

READY = "ready"
LONGEST_MESSAGE = 4096


class Worker(uvicorn.Server):
    """A server that says over its link when it answers."""

    def __init__(self, config: uvicorn.Config, link: socket.socket) -> None:
        super().__init__(config)
        self.link = link

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does it; then the supervisor hears of it."""
        await super().startup(sockets)
        if self.started:
            asyncio.get_running_loop().add_reader(self.link, self._forsaken)
            self.link.sendall(READY.encode())

    def _forsaken(self) -> None:
        asyncio.get_running_loop().remove_reader(self.link)
        signal.raise_signal(signal.SIGTERM)


def main(listener: int, link: int, grace: int) -> int:
    """Serve until a signal comes; it ends this process. Returns the exit code where there was nothing to serve."""
    logging = {**LOGGING_CONFIG, "loggers": {**LOGGING_CONFIG["loggers"], "uvicorn.error": {"level": "WARNING"}}}
    logging["formatters"] = {name: {**each} for name, each in LOGGING_CONFIG["formatters"].items()}
    logging["formatters"]["access"]["fmt"] = "%(asctime)s %(client_addr)s %(request_line)s %(status_code)s"
    config = uvicorn.Config("serving.app:app", log_config=logging, lifespan="on", timeout_graceful_shutdown=grace)
    with socket.socket(fileno=link) as supervisor, socket.socket(fileno=listener) as accepting:
        try:
            Worker(config, supervisor).run(sockets=[accepting])
        except Exception as error:
            if os.environ.get("WALLPAPER_TRACEBACK"):
                traceback.print_exc()
            text = str(error).strip().split("\n")[0] or type(error).__name__
            supervisor.sendall(text.encode()[:LONGEST_MESSAGE])
    return STARTUP_FAILURE


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
