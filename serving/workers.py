"""The processes of a server: started on one bound socket, replaced when one dies, stopped in order.

The supervisor keeps the socket bound, so no request is refused while a worker is replaced. Signals and the workers'
links wake one and the same wait. Knows nothing of models.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import NamedTuple

from serving.worker import LONGEST_MESSAGE, READY

SIGNALS = (signal.SIGTERM, signal.SIGINT)
MARGIN_S = 3.0
"""How much later than its bound a worker is killed: ending takes it a moment, too."""


class StartError(RuntimeError):
    """A worker ended before it answered anything; the message says why."""


class _Process(NamedTuple):
    process: subprocess.Popen[bytes]
    link: socket.socket


class Workers:
    """Processes of `serving.worker`, all on one socket.

    Args:
        listener: bound, not listening yet: until a worker is ready, connections are refused.
        count: of processes. environment: theirs.
        grace: seconds in which requests under way may end when the server is stopped.
    """

    def __init__(self, listener: socket.socket, count: int, environment: Mapping[str, str], grace: int) -> None:
        self.listener, self.count, self.environment, self.grace = listener, count, dict(environment), grace
        self.selector = selectors.DefaultSelector()
        self.running: dict[int, _Process] = {}
        """By the file descriptor of the link."""
        self.ready: set[int] = set()

    def serve(self, say_ready: Callable[[], None], say: Callable[[str], None]) -> int:
        """Run until SIGTERM or Ctrl-C; the exit code that goes with it, 0 or 130.

        Args: say_ready: called once, when every worker answers. say: gets a sentence for the log.
        Raises: StartError: a worker cannot start; none is left. One that is killed while it starts is replaced, if all
            answered once.
        """
        with _caught_signals() as (wake, came):
            self.selector.register(wake, selectors.EVENT_READ)
            try:
                for _ in range(self.count):
                    self._start()
                self._watch(came, say_ready, say)
            finally:
                self._stop(wake, came)
        return 0 if came[0] == signal.SIGTERM else 128 + came[0]

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            passed = (self.listener.fileno(), theirs.fileno())
            process = subprocess.Popen(
                [sys.executable, "-m", "serving.worker", *map(str, passed), str(self.grace)],
                env=self.environment,
                pass_fds=passed,
                start_new_session=True,  # Ctrl-C in a terminal is the supervisor's alone
            )
        self.running[ours.fileno()] = _Process(process, ours)
        self.selector.register(ours, selectors.EVENT_READ)

    def _watch(self, came: list[int], say_ready: Callable[[], None], say: Callable[[str], None]) -> None:
        told = False
        while not came:
            for link in self._heard(None):
                message = self._message(link)
                if message == READY:
                    self.ready.add(link)
                elif link in self.ready and not message:
                    say(f"worker {self._forget(link)} has died; another takes its place")
                    self._start()
                else:
                    code = self.running[link].process.wait()
                    if message or code >= 0 or not told:
                        raise StartError(message or f"a worker ended with code {code} before it answered")
                    say(f"worker {self._forget(link)} was killed before it answered; another takes its place")
                    self._start()
            if not told and len(self.ready) == self.count:
                told = True
                say_ready()

    def _stop(self, wake: socket.socket, came: list[int]) -> None:
        """Requests under way are finished, new ones refused; a second signal, or too long a wait, ends all at once."""
        for link, worker in self.running.items():
            worker.process.terminate() if link in self.ready else worker.process.kill()
        self.listener.close()
        first, deadline = len(came), time.monotonic() + self.grace + MARGIN_S
        while self.running and len(came) <= max(first, 1) and time.monotonic() < deadline:
            for link in self._heard(deadline - time.monotonic()):
                if not self._message(link):
                    self._forget(link)
        for link in list(self.running):
            self.running[link].process.kill()
            self._forget(link)
        self.selector.close()

    def _heard(self, timeout: float | None) -> list[int]:
        """Links with a message or an end; none of them if it was a signal that came."""
        found = [key.fd for key, _ in self.selector.select(timeout)]
        for fd in set(found) - set(self.running):
            os.read(fd, 4096)  # the signals' numbers, noted already
        return [fd for fd in found if fd in self.running]

    def _message(self, link: int) -> str:
        with contextlib.suppress(ConnectionError):
            return self.running[link].link.recv(LONGEST_MESSAGE).decode(errors="replace")
        return ""

    def _forget(self, link: int) -> int:
        """The process id of a worker that has ended."""
        worker = self.running.pop(link)
        self.ready.discard(link)
        self.selector.unregister(worker.link)
        worker.link.close()
        worker.process.wait()
        return worker.process.pid


@contextlib.contextmanager
def _caught_signals() -> Iterator[tuple[socket.socket, list[int]]]:
    """A socket that can be read when a signal has come, and the numbers of those that have."""
    came: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        came.append(number)

    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        before = [signal.signal(each, note) for each in SIGNALS]
        wakened = signal.set_wakeup_fd(theirs.fileno())
        try:
            yield ours, came
        finally:
            signal.set_wakeup_fd(wakened)
            for each, handler in zip(SIGNALS, before, strict=True):
                signal.signal(each, handler)
