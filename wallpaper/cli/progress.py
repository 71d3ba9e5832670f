"""Progress with time left, for any loop that counts (done, total): a bar on a terminal, lines in a log.

It knows no loop: each is handed one of these as its `progress`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from tqdm import tqdm

SECONDS_BETWEEN_LINES = 15.0

Move = Callable[[int, int], None]
"""Called with (done, total)."""


@contextmanager
def bar(title: str, unit: str = "it") -> Iterator[Move]:
    """Show progress on standard error; the value is to be called with (done, total)."""
    if not sys.stderr.isatty():
        yield _lines(title, unit)
        return
    with tqdm(desc=title, unit=unit, total=0, mininterval=0.2, ncols=100) as shown:

        def move(done: int, total: int) -> None:
            if shown.total != total:
                shown.reset(total)
            shown.update(done - shown.n)

        yield move


def _lines(title: str, unit: str) -> Move:
    """A line now and then, and one at the end: a log keeps every redrawing of a bar."""
    started = said = time.monotonic()
    first: int | None = None

    def move(done: int, total: int) -> None:
        nonlocal said, first
        now = time.monotonic()
        first = done - 1 if first is None else first
        if done < total and now - said < SECONDS_BETWEEN_LINES:
            return
        said, passed = now, now - started
        left = passed * (total - done) / max(done - first, 1)
        ending = f"in {tqdm.format_interval(passed)}" if done == total else f"{tqdm.format_interval(left)} left"
        click.echo(f"{title}: {done}/{total} {unit}, {ending}", err=True)

    return move
