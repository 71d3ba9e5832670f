"""A Ray cluster on this machine, in a process of its own: `python -m tests.tune.faults_cluster NODES GPUS_OF_EACH`.

Prints its address. Each line that it reads names worker processes, and it kills the node of the first one that does
not run on the head, prints that process, or 0 if there is none. The cluster ends with its input.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

import click
import psutil
from ray.cluster_utils import Cluster

from tests.tune.conftest import ROOT, Ground

ENVIRONMENT = {"RAY_AUTH_MODE": "disabled"}
"""Of the cluster and of searches on it: a new machine has no token yet."""


class Machines:
    """A cluster as tests see it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.address = self._answer()

    def kill_one(self, workers: Sequence[int]) -> int:
        """Kill the node of one of these worker processes; which, 0 if they all run on the head."""
        assert self._process.stdin is not None
        print(*workers, file=self._process.stdin, flush=True)
        return int(self._answer())

    def _answer(self) -> str:
        assert self._process.stdout is not None
        answer = self._process.stdout.readline().strip()
        assert answer, "the cluster ended"
        return answer


@contextlib.contextmanager
def machines(ground: Ground, nodes: int, gpus: int = 0) -> Iterator[Machines]:
    """A cluster of so many nodes with a CPU and so many counted GPUs each."""
    command = [sys.executable, "-m", "tests.tune.faults_cluster", str(nodes), str(gpus)]
    with tempfile.TemporaryDirectory(prefix="ray") as folder:  # short: it holds sockets
        environment = {**ground.environment, **ENVIRONMENT, "RAY_TMPDIR": folder}
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                yield Machines(process)
            finally:
                with contextlib.suppress(BrokenPipeError):
                    process.communicate(timeout=60)


def _serve(nodes: int, gpus: int) -> None:
    cluster = Cluster(initialize_head=True, head_node_args={"num_gpus": gpus, "include_dashboard": False})
    for _ in range(nodes - 1):
        cluster.add_node(num_gpus=gpus)
    cluster.wait_for_nodes(120)
    click.echo(cluster.address)
    for line in sys.stdin:
        found = ((worker, _node_of(cluster, worker)) for worker in map(int, line.split()))
        worker, node = next(((worker, node) for worker, node in found if node is not None), (0, None))
        if node is not None:
            cluster.remove_node(node, allow_graceful=False)
        click.echo(worker)
    cluster.shutdown()


def _node_of(cluster: Cluster, worker: int) -> Any:
    """The node of a worker process; None if it has ended, or is the head's."""
    try:
        above = {process.pid for process in psutil.Process(worker).parents()}
    except psutil.NoSuchProcess:
        return None
    return next((node for node in cluster.worker_nodes if node.all_processes["raylet"][0].process.pid in above), None)


if __name__ == "__main__":
    os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    _serve(int(sys.argv[1]), int(sys.argv[2]))
