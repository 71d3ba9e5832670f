"""A process that draws one set of pictures at a time, beside the training.

Started with the first order, asked without waiting, ended at any time. Knows nothing about what is drawn.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import wallpaper
from wallpaper.workers import ONE_THREAD

WORKER = "wallpaper.epoch_pictures.worker"

COMMAND = (sys.executable, "-m", WORKER)


class DrawingEnded(RuntimeError):
    """The process ended by itself; the message is its last word."""


class Drawer:
    """A process, not yet started. `command` reads and writes as `worker` does."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = list(command)
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - closed by `end`

    def ask(self, order: dict[str, Any]) -> None:
        """Hand over an order. Raises: OSError: the process cannot be started or has ended."""
        if self._process is None:
            self._process = self._start()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def answer(self, timeout: float) -> dict[str, Any] | None:
        """The next answer, or None if there is none within `timeout` seconds. Raises: DrawingEnded."""
        try:
            line = self._answers.get(timeout=timeout) if timeout > 0 else self._answers.get_nowait()
        except queue.Empty:
            return None
        if line is None:
            raise DrawingEnded(self._last_word())
        found: dict[str, Any] = json.loads(line)
        return found

    def end(self) -> None:
        """End the process at once, if it runs; the next order starts another."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with process:  # waits, and closes its pipes
                pass
        self._answers = queue.SimpleQueue()

    def close(self) -> None:
        """`end`, for good."""
        self.end()
        self._errors.close()

    def _start(self) -> subprocess.Popen[str]:
        """In a session of its own: Ctrl-C is the training's to deal with."""
        found = [str(Path(wallpaper.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
        process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            start_new_session=True,
            env={**os.environ, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(found)},
        )
        threading.Thread(target=_forward, args=(process.stdout, self._answers), daemon=True).start()
        return process

    def _last_word(self) -> str:
        self._errors.seek(0)
        lines = [line.strip() for line in self._errors if line.strip()]
        return lines[-1] if lines else "it was killed"


def _forward(stream: TextIO, answers: queue.SimpleQueue[str | None]) -> None:
    """Lines of JSON; what a library prints is none. None at the end."""
    try:
        for line in stream:
            if line.startswith("{"):
                answers.put(line)
    except ValueError:  # closed by `end`
        pass
    answers.put(None)
