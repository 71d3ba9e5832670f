"""How a training ends early: asked to (`Interrupted`), or because it cannot go on (`TrainingError`).

Signals only set a flag; loops poll it after each batch, save what they have and raise `Interrupted`,
so no checkpoint is ever cut in half. Knows nothing about what is being trained.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import TypeAlias

from wallpaper.training.report import Row

Stop: TypeAlias = Callable[[], bool]
"""Polled by loops after each batch; true means: save and raise `Interrupted`."""

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class TrainingError(RuntimeError):
    """The run cannot go on, for example because its loss is not finite. Saved checkpoints are intact."""


class Interrupted(Exception):
    """The run was asked to stop and has saved its `last` checkpoint in `folder`."""

    def __init__(self, folder: Path, epoch: int) -> None:
        super().__init__(f"stopped in epoch {epoch}; resume from {folder}")
        self.folder = folder
        self.epoch = epoch


def never() -> bool:
    """The stop of a caller who cannot be interrupted."""
    return False


def out_of_patience(history: list[Row], criterion: str, patience: int) -> bool:
    """Whether the last validation came `patience` epochs or more after the best one; never if `patience` is 0."""
    validated = [row for row in history if criterion in row]
    if not patience or not validated:
        return False
    best = min(validated, key=lambda row: row[criterion])
    return validated[-1]["epoch"] - best["epoch"] >= patience


class StopRequest:
    """Turns SIGTERM and Ctrl-C into a flag while its `with` block runs; call it to read the flag.

    A second signal acts at once, as if nothing were installed. Outside the main thread Python lets
    nobody install handlers: the flag then only answers to `request`.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        """The first signal that came, or None; a command line exits with 128 + this."""
        self._requested = threading.Event()
        self._previous: dict[signal.Signals, object] = {}

    def __call__(self) -> bool:
        """True once a stop was asked for."""
        return self._requested.is_set()

    def request(self) -> None:
        """Ask the run to stop, from any thread."""
        self._requested.set()

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._receive) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        self.signal = number
        self.request()
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._previous = {}
