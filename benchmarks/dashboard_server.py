"""The dashboard in a process of its own, with a clock in its event loop: `python -m benchmarks.dashboard_server`.

    python -m benchmarks.dashboard_server PORT FILE

The file gets a line of JSON a second: how many milliseconds late the loop was, each time it was to wake.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from dashboard.heaps import keep_small

EVERY_S = 0.02


async def measure(file: Path) -> None:
    """Note how late the loop wakes, for ever."""
    with file.open("a", encoding="utf-8", buffering=1) as stream:
        late: list[float] = []
        while True:
            due = time.perf_counter() + EVERY_S
            await asyncio.sleep(EVERY_S)
            late.append(round(1e3 * (time.perf_counter() - due), 2))
            if len(late) * EVERY_S >= 1:
                stream.write(json.dumps(late) + "\n")
                late.clear()


def main(port: int, file: Path) -> None:
    """Serve on this machine alone."""
    keep_small()  # before there are threads, as the command does
    from dashboard.server import serve  # noqa: PLC0415, I001 - and this before NiceGUI, as it says where that keeps things
    from nicegui import app, background_tasks  # noqa: PLC0415

    app.on_startup(lambda: background_tasks.create(measure(file), name="clock"))
    serve("127.0.0.1", port, "")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
