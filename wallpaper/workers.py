"""Work spread over processes, results in the order of the tasks: the same whatever the number of processes.

No more tasks are under way than twice the processes, so memory stays bounded. Workers compute on one thread each,
and end with the process that started them, however that ends. Knows nothing about the work.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""The environment in which numpy and torch start one thread: workers share the processors, more would only wait."""


def ordered(work: Callable[[Task], Result], tasks: Iterable[Task], workers: int, *, preload: str) -> Iterator[Result]:
    """`work` of each task, in order; in this process if there is one worker.

    Workers end as soon as the iterator is closed or forgotten, or this process dies.

    Args: work: can be pickled, as can tasks and results. preload: the module that workers need, imported once for all.
    Raises: BrokenProcessPool: a worker died; results before its task may be lost. Whatever `work` raises.
    """
    if workers == 1:
        yield from map(work, tasks)
    else:
        yield from _spread(work, tasks, workers, preload)


def apart(work: Callable[[Task], Result], task: Task, *, preload: str) -> Result:
    """`work` of a task that this process might not survive, in one of its own.

    Raises: BrokenProcessPool: it died. Whatever `work` raises.
    """
    (result,) = _spread(work, [task], 1, preload)
    return result


def _spread(work: Callable[[Task], Result], tasks: Iterable[Task], workers: int, preload: str) -> Iterator[Result]:
    """The workers watch a pipe: its other end is here alone, so closing it, or dying, ends them."""
    with _terminated_in_order(), _pipe(context := _context(preload)) as (watched, held):
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(watched,))
        waiting: deque[Future[Result]] = deque()
        try:
            for task in tasks:
                with _starting():
                    waiting.append(pool.submit(work, task))
                if len(waiting) >= 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
            pool.shutdown()
        except BaseException:  # also when the caller wants no more: nobody waits for tasks under way
            with _interrupts_later(forget=True):
                held.close()
                pool.shutdown(cancel_futures=True)
            raise


@contextmanager
def _pipe(context: BaseContext) -> Iterator[tuple[Connection, Connection]]:
    """Its end to read and its end to write, closed after the block."""
    watched, held = context.Pipe(duplex=False)
    with watched, held:
        yield watched, held


@contextmanager
def _terminated_in_order() -> Iterator[None]:
    """SIGTERM within the block raises SystemExit, unless the caller has said what it does.

    Killed at once, this process would leave semaphores, of which Python warns with a line of its own source.
    """
    if not _in_main_thread() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    finally:
        if _in_main_thread() and signal.getsignal(signal.SIGTERM) is _exit:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _exit(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def _in_main_thread() -> bool:
    """Python lets no other thread catch a signal."""
    return threading.current_thread() is threading.main_thread()


def _context(module: str) -> BaseContext:
    """Workers forked from a small clean server that has imported the module once; spawned where there is none.

    Forking this process itself could copy a lock that one of its threads holds.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([module])
    resource_tracker.ensure_running()  # which lets Ctrl-C through again when it starts, so not in the block
    with _starting():
        forkserver.ensure_running()
    return context


@contextmanager
def _starting() -> Iterator[None]:
    """For a block that starts a process: it will compute on one thread, and Ctrl-C, here or there, cannot cut it short.

    The new process inherits that Ctrl-C is blocked; without, it would end with a traceback while it imports.
    """
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    with _interrupts_later():
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if hasattr(signal, "pthread_sigmask") else None
        os.environ.update(ONE_THREAD)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.update({name: value})
            if mask is not None:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextmanager
def _interrupts_later(*, forget: bool = False) -> Iterator[None]:
    """Ctrl-C or SIGTERM in the block takes effect after it; `forget`: not at all, since the end has come already."""
    if not _in_main_thread():
        yield
        return
    came: list[int] = []
    caught = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not None]
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in caught}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came and not forget:
            signal.raise_signal(came[0])


def _start(watched: Connection) -> None:
    """Ctrl-C, where it is not blocked, reaches the whole process group, but the parent alone decides."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(watched,), daemon=True).start()


def _end_with(watched: Connection) -> None:
    """End this process when the other end of the pipe is closed: a killed parent says no goodbye."""
    wait([watched])
    os._exit(1)
