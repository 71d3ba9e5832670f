"""SIGTERM and Ctrl-C as news that a wait can hear of; nothing is interrupted.

Knows nothing of servers.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType

from serving.workers import SIGNALS

_POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Signals:
    """The numbers of those that have come."""

    came: list[int] = field(default_factory=list)
    news: threading.Event = field(default_factory=threading.Event)

    def note(self, number: int, _: FrameType | None) -> None:
        """A handler."""
        self.came.append(number)
        self.news.set()

    def until(self, holds: Callable[[], bool], *, most: int = 0, seconds: float = float("inf")) -> bool:
        """Wait until `holds`, more than `most` signals have come, or time is up; whether it holds."""
        while len(self.came) <= most and seconds > 0:
            if holds():
                return True
            self.news.wait(_POLL_SECONDS)
            self.news.clear()
            seconds -= _POLL_SECONDS
        return False


@contextlib.contextmanager
def caught() -> Iterator[Signals]:
    """Within, signals are only noted."""
    signals = Signals()
    before = [signal.signal(each, signals.note) for each in SIGNALS]
    try:
        yield signals
    finally:
        for each, handler in zip(SIGNALS, before, strict=True):
            signal.signal(each, handler)
