"""The process that draws: orders come as lines of JSON on standard input, an answer to each goes to standard output.

It runs with low priority on one thread, and ends when its standard input does, whatever it is doing.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
from typing import Any, TextIO

import torch

from wallpaper.epoch_pictures.ode_set import draw_ode_set
from wallpaper.epoch_pictures.places import Order
from wallpaper.epoch_pictures.snapshot import drop_snapshot
from wallpaper.epoch_pictures.vae_set import draw_vae_set

NICE = 10
"""Added to the priority, so that a training on all processors hardly notices."""

DRAW = {"vae": draw_vae_set, "ode": draw_ode_set}


def answer(line: str) -> dict[str, Any]:
    """Draw what the order in `line` asks for: {"epoch", "metrics"}, or {"epoch", "error"} with the reason."""
    order = Order.from_mapping(json.loads(line))
    started = time.process_time()
    try:
        metrics = DRAW[order.phase](order)
    except Exception as error:  # a picture that fails must not end the others
        return {"epoch": order.epoch, "error": f"{type(error).__name__}: {error}"}
    finally:
        drop_snapshot(order.target)
    return {"epoch": order.epoch, "metrics": metrics | {"pictures/cpu_seconds": time.process_time() - started}}


def _read(stream: TextIO, lines: queue.SimpleQueue[str]) -> None:
    for line in stream:
        lines.put(line)
    os._exit(0)  # whoever waited for the pictures has gone


def main() -> None:
    """Answer orders until standard input ends."""
    if hasattr(os, "nice"):
        os.nice(NICE)
    torch.set_num_threads(1)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin, lines), daemon=True).start()
    while True:
        sys.stdout.write(json.dumps(answer(lines.get())) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
