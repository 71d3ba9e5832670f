"""Work spread over processes, results in the order of the tasks: the same whatever the number of processes.

Memory stays bounded, since no more tasks are under way than twice the processes. Knows nothing about the work.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
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
    pool = ProcessPoolExecutor(workers, mp_context=_context(preload), initializer=_start)
    waiting: deque[Future[Result]] = deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(work, task))
            if len(waiting) >= 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _context(module: str) -> multiprocessing.context.BaseContext:
    """Workers forked from a small clean server that has imported the module once; spawned where there is none."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([module])
    return context


def _start() -> None:
    """Ctrl-C reaches the whole process group, but the parent alone decides; and one thread a process is enough."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
