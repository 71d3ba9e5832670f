"""The dashboard under load: how late its event loop is and how its memory grows, with many clients.

They watch a run that logs, or come and go while nothing is logged. Draws nothing, opens no browser.
"""

from __future__ import annotations

import asyncio
import json
import math
import threading
import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
import psutil

from benchmarks.dashboard_clients import pages
from benchmarks.dashboard_store import training
from benchmarks.measuring import Findings
from dashboard.pages.tabs import TABS
from dashboard.server import RECONNECT_SECONDS
from wallpaper import tracking

LATE_MS, GROWTH_MB = 20.0, 1.0

POINTS_A_SECOND = 10

POINT_BYTES = 24
"""Of one point of a history: step, value, time."""

LOOK_S = 15.0
"""That a page is looked at by clients that come and go."""

SETTLED_S = 120.0
"""Until caches are full; memory is watched from then on."""

ROUNDS = 2
"""Of all tabs, until those who come and go have filled the caches: in the first, each is drawn for the first time."""


def under_load(found: Findings, port: int, server: psutil.Process, late: Path, clients: int, seconds: float) -> None:
    """Clients look at a run that logs; how late the loop is, and how memory grows."""
    ended = threading.Event()
    with tracking.start("live", phase="train_vae", config={"epochs": 10**6}) as run:
        logging = threading.Thread(target=_log, args=(run, ended))
        logging.start()
        try:
            before = len(late.read_text().splitlines())
            memory, spent, messages = asyncio.run(
                _watch(port, server, clients, seconds, [f"/?run={run.run_id}&tab=loss"])
            )
        finally:
            ended.set()
            logging.join()
    lines = late.read_text().splitlines()[before:]
    waits = np.concatenate([np.array(json.loads(line)) for line in lines])
    p50, p95, p99, worst = (float(np.percentile(waits, share)) for share in (50, 95, 99, 100))
    row = {
        "clients": clients, "seconds": seconds, "messages": messages, "late p50 ms": p50, "p95": p95, "p99": p99,
        "worst": worst, "CPU of one core": spent / seconds, "MB at the end": memory[-1][1],
        "MB an hour": growth(memory, SETTLED_S), "of history": POINTS_A_SECOND * 3600 * POINT_BYTES / 1e6,
    }  # fmt: skip
    found.table(f"A run that logs {POINTS_A_SECOND} points a second, watched", [row])
    found.predict(f"95 of 100 times at most {LATE_MS:g} ms late", p95 <= LATE_MS, f"{p95:.1f}")
    _predict_growth(found, "while a run logs", memory, SETTLED_S)


def soak(found: Findings, port: int, server: psutil.Process, clients: int, seconds: float) -> None:
    """Nothing is logged; clients open every tab of a long training, look, and leave."""
    paths = [f"/?run={training()}&tab={tab.name}" for tab in TABS]
    settled = ROUNDS * len(paths) * LOOK_S + RECONNECT_SECONDS
    memory, spent, messages = asyncio.run(_watch(port, server, clients, seconds, paths))
    row = {
        "clients": clients, "seconds": seconds, "messages": messages, "CPU of one core": spent / seconds,
        f"MB after {settled:g} s": next((mb for at, mb in memory if at >= settled), memory[-1][1]),
        "MB at the end": memory[-1][1], "MB an hour": growth(memory, settled),
    }  # fmt: skip
    found.table(f"Clients that come and go every {LOOK_S:g} s, nothing new", [row])
    _predict_growth(found, "while nothing is logged", memory, settled)


def growth(memory: Sequence[tuple[float, float]], settled: float) -> float:
    """MB an hour, of (seconds, MB), from `settled` seconds on, or the last two thirds of a shorter time."""
    times, sizes = np.array(memory).T
    steady = times > min(settled, times[-1] / 3)
    return float(np.polyfit(times[steady], sizes[steady], 1)[0]) * 3600


def _predict_growth(found: Findings, when: str, memory: Sequence[tuple[float, float]], settled: float) -> None:
    mb = growth(memory, settled)
    found.predict(f"{when} at most {GROWTH_MB:g} MB an hour", mb <= GROWTH_MB, f"{mb:.1f}")


def _log(run: tracking.Run, ended: threading.Event) -> None:
    step = 0
    while not ended.wait(2 / POINTS_A_SECOND):
        step += 1
        run.log({"train/loss": 1 / step, "val/loss": 2 / step}, step)


async def _watch(
    port: int, server: psutil.Process, clients: int, seconds: float, paths: list[str]
) -> tuple[list[tuple[float, float]], float, int]:
    """Memory in MB by the time, processor seconds spent, messages sent; of several paths each is shown for a while."""
    memory: list[tuple[float, float]] = []
    messages, started, before = 0, time.monotonic(), sum(server.cpu_times()[:2])
    looks = [seconds] if len(paths) == 1 else [LOOK_S] * math.ceil(seconds / LOOK_S)
    for path, look in zip(cycle(paths), looks, strict=False):
        async with pages(port, clients, path) as opened:
            until = time.monotonic() + look
            while (now := time.monotonic()) < until:
                memory.append((now - started, server.memory_info().rss / 1e6))
                await asyncio.sleep(2)
            messages += sum(client.messages for client in opened)
    return memory, sum(server.cpu_times()[:2]) - before, messages
