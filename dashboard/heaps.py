"""Has the process keep its memory in few heaps.

Knows glibc alone; other C libraries have no such setting and are left as they are.
"""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress

MOST = 2
"""glibc gives threads heaps of their own, up to eight a processor. Pages come and go in all of them, and one gives back
only what lies at its end, so the process would grow for hours."""

SETTING = "MALLOC_ARENA_MAX"
"""glibc's own variable, which goes before ours."""

_M_ARENA_MAX = -8
"""In glibc's malloc.h."""


def share_heaps() -> None:
    """Let all threads share `MOST` heaps. To be called before there are threads."""
    if sys.platform == "linux" and SETTING not in os.environ:
        with suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, MOST)
