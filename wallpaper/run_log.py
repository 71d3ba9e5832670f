"""What a run's process says while it goes on, kept short enough for a tag: the newest lines.

Listens to this package's own loggers alone. Knows no store.
"""

from __future__ import annotations

import json
import logging
from collections import deque

LOGGER = "wallpaper"

TAG = "log"
"""Of the run: lines of JSON, [seconds since 1970, level, text], the newest last."""

MOST_CHARACTERS = 5000
"""Of all lines together; MLflow takes 8000 in a tag."""

LONGEST_LINE = 500


class RunLog(logging.Handler):
    """Collects records from `open` to `close`; what a training says at INFO too, which is not shown on the terminal."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: deque[str] = deque()
        self._is_new = False
        self._before = logging.NOTSET

    def open(self) -> None:
        """Listen."""
        logger = logging.getLogger(LOGGER)
        self._before = logger.level
        logger.setLevel(logging.INFO if logger.getEffectiveLevel() > logging.INFO else logger.level)
        logger.addHandler(self)

    def close(self) -> None:
        """Listen no more."""
        logger = logging.getLogger(LOGGER)
        if self in logger.handlers:
            logger.removeHandler(self)
            logger.setLevel(self._before)
        super().close()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record, and drop the oldest ones where they are too many."""
        text = " ".join(record.getMessage().split())[:LONGEST_LINE]
        self._lines.append(json.dumps([round(record.created, 3), record.levelname, text], ensure_ascii=False))
        while sum(map(len, self._lines)) + len(self._lines) > MOST_CHARACTERS:
            self._lines.popleft()
        self._is_new = True

    def news(self) -> str:
        """All that is kept, as the tag holds it, if something has come since this was last asked; else empty."""
        self.acquire()
        try:
            return "\n".join(self._lines) if self._is_new else ""
        finally:
            self._is_new = False
            self.release()
