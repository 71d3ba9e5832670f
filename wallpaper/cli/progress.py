"""Progress with time left, for any loop that counts (done, total): a bar on a terminal, lines in a log.

It knows no loop: each is handed one of these as its `progress`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import click
from tqdm import tqdm

SECONDS_BETWEEN_LINES = 15.0


class Move(Protocol):
    """What a loop calls as it moves on."""

    def __call__(self, done: int, total: int) -> None:
        """So much is done, of so much in all."""

    def note(self, text: str) -> None:
        """Show a remark, such as the figures of an epoch, until the next one."""


@contextmanager
def bar(title: str, units: str) -> Iterator[Move]:
    """Show progress on standard error; the value is to be called with (done, total)."""
    if not sys.stderr.isatty():
        yield _Lines(title, units)
        return
    with tqdm(desc=title, unit=f" {units}", total=0, mininterval=0.2, dynamic_ncols=True) as shown:
        yield _Bar(shown)


class _Bar:
    """tqdm's bar, whose total may come late and whose count may start anywhere."""

    def __init__(self, shown: Any) -> None:
        self._shown = shown

    def __call__(self, done: int, total: int) -> None:
        if self._shown.total != total:
            self._shown.reset(total)
        self._shown.update(done - self._shown.n)

    def note(self, text: str) -> None:
        self._shown.set_postfix_str(text, refresh=False)


class _Lines:
    """A line now and then, and one at the end: a log keeps every redrawing of a bar."""

    def __init__(self, title: str, units: str) -> None:
        self._title, self._units = title, units
        self._started = self._said = time.monotonic()
        self._first: int | None = None

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        self._first = done - 1 if self._first is None else self._first
        if done < total and now - self._said < SECONDS_BETWEEN_LINES:
            return
        self._said, passed = now, now - self._started
        left = passed * (total - done) / max(done - self._first, 1)
        ending = f"in {tqdm.format_interval(passed)}" if done == total else f"{tqdm.format_interval(left)} left"
        click.echo(f"{self._title}: {done}/{total} {self._units}, {ending}", err=True)

    def note(self, text: str) -> None:
        click.echo(f"{self._title}: {text}", err=True)
