"""Doors to the applications beside the library: commands whose options are a program's own, and how one is run.

Loads nothing of what the programs need: a mistake in an option is answered at once.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click


class Door(click.Command):
    """A command whose options are those of a program.

    Args:
        program: gives the words after `python` that start it.
    """

    def __init__(self, *args: Any, program: Callable[[], Sequence[str]], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.program = program

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options, as the program shows them."""
        command = [sys.executable, *self.program(), "--help"]
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        formatter.write(f"\nOptions:{shown.partition('Options:')[2]}")


UNTOUCHED: dict[str, Any] = {"ignore_unknown_options": True, "allow_interspersed_args": False}
"""Context settings with which all options reach the program."""


def run(command: Sequence[str], **options: Any) -> int:
    """Run a program until it ends by itself, whatever signal comes; its exit code. `options` are those of Popen."""
    with subprocess.Popen(command, **options) as process, _passed_on(process):
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # it has got that too
                continue


@contextmanager
def _passed_on(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """While the block runs, SIGTERM is the process's; outside the main thread Python lets nobody catch it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, _: process.send_signal(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
