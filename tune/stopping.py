"""Ctrl-C and SIGTERM for a search: trials are asked to stop through a file, Ray through the signal that it waits for.

Ray's own way only cuts trials off. Knows no Ray.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

PATIENCE = 6.0
"""Seconds that a stopped search may take to end in order."""

STOPPED = 130
"""Exit code of a search that was stopped."""


@contextmanager
def stopping(stop_file: Path, give_up: Callable[[], None]) -> Iterator[None]:
    """A first signal touches `stop_file` and tells Ray; a second one acts at once.

    `give_up` is called if the block still runs `PATIENCE` seconds after the first.
    """
    timer = threading.Timer(PATIENCE, give_up)
    timer.daemon = True
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    def receive(_number: int, _frame: FrameType | None) -> None:
        restore()
        stop_file.touch()
        timer.start()
        os.kill(os.getpid(), signal.SIGUSR1)

    if signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL:  # Ray has not begun to wait for it: it would kill
        signal.signal(signal.SIGUSR1, signal.default_int_handler)
    for number in previous:
        signal.signal(number, receive)
    try:
        yield
    finally:
        timer.cancel()
        restore()
