"""Work spread over processes, results in the order of the tasks: the same whatever the number of processes.

Memory stays bounded, since no more tasks are under way than twice the processes. Knows nothing about the work.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import forkserver, resource_tracker
from typing import TypeVar

import torch

Task = TypeVar("Task")
Result = TypeVar("Result")


def ordered(work: Callable[[Task], Result], tasks: Iterable[Task], workers: int, *, preload: str) -> Iterator[Result]:
    """`work` of each task, in order; in this process if there is one worker.

    Args: work: can be pickled, as can tasks and results. preload: the module that workers need, imported once for all.
    Raises: BrokenProcessPool: a worker died. Whatever `work` raises.
    """
    if workers == 1:
        yield from map(work, tasks)
        return
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, mp_context=_context(preload), initializer=_start)
    waiting: deque[Future[Result]] = deque()
    try:
        with _interrupts_later():  # half-started workers would end with a traceback each
            pool.submit(_nothing)  # starts them all
        for task in tasks:
            waiting.append(pool.submit(work, task))
            if len(waiting) >= 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BaseException:  # also when the caller wants no more: nobody waits for tasks under way
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Ctrl-C within the block takes effect after it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            signal.raise_signal(came[0])


def _nothing() -> None:
    """A task without work."""


def _context(module: str) -> multiprocessing.context.BaseContext:
    """Workers forked from a small clean server that has imported the module once; spawned where there is none.

    The server starts with Ctrl-C held back, which would else end it, with a traceback, while it imports.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([module])
    resource_tracker.ensure_running()  # which lets Ctrl-C through again when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return context


def _start() -> None:
    """Ctrl-C reaches the whole process group, but the parent alone decides; and one thread a process is enough."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
