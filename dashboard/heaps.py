"""Has the process keep its memory in few heaps, and give back what is free in them.

Knows glibc alone; other C libraries have no such setting and are left as they are.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

MOST = 2
"""glibc gives threads heaps of their own, up to eight a processor. Pages come and go in all of them, and one gives back
only what lies at its end, so the process would grow for hours."""

SETTING = "MALLOC_ARENA_MAX"
"""glibc's own variable, which goes before ours."""

_M_ARENA_MAX = -8
"""In glibc's malloc.h."""

EVERY_S = 60.0
"""Between two times that free memory is given back. It is done without Python's lock."""


def keep_small() -> None:
    """Both of the following."""
    share_heaps()
    give_back()


def share_heaps() -> None:
    """Let all threads share `MOST` heaps. To be called before there are threads."""
    if sys.platform == "linux" and SETTING not in os.environ:
        with suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, MOST)


def give_back(every: float = EVERY_S) -> None:
    """From now on give back what is free anywhere in a heap; glibc by itself gives back what is free at its end.

    Args: every: seconds.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        threading.Thread(target=_trim, args=(trim, every), name="heaps", daemon=True).start()


def _trim(trim: Callable[[int], int], every: float) -> None:
    while True:
        time.sleep(every)
        trim(0)
