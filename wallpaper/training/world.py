"""The processes that train one model together: who does what of a batch, and what they tell each other.

Each takes a share of every batch; gradients and sums are added up over all of them, so that together they take the
step that one process would take with the whole batch. On torch.distributed; knows nothing about who started them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Scaling:
    """Processes that are to train together."""

    count: int
    on_gpus: bool
    """One GPU each, or a CPU."""
    address: str = ""
    """Of a Ray cluster; empty: processes on this machine."""


@dataclass(frozen=True, slots=True)
class World:
    """This process among those that train together. Alone if `size` is 1."""

    rank: int = 0
    size: int = 1

    @staticmethod
    def joined() -> World:
        """The world of torch's process group, which must have been set up; without one, this process alone."""
        if not (distributed.is_available() and distributed.is_initialized()):
            return World()
        return World(distributed.get_rank(), distributed.get_world_size())

    @property
    def is_first(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """Rows of a batch of `count` that are this process's; all of them where there are too few to share."""
        return slice(None) if count < self.size else slice(self.rank, None, self.size)

    def weight(self, count: int) -> float:
        """What a mean over this process's share counts for in the mean over the batch."""
        return 1 / self.size if count < self.size else len(range(count)[self.share(count)]) / count

    def wrapped(self, module: nn.Module) -> nn.Module:
        """The module whose gradients are the mean of all processes'; itself if there is one.

        Batch normalisation takes the whole batch's statistics on GPUs, and each share's own on CPUs, where torch
        cannot do better.
        """
        if self.size == 1:
            return module
        device = next(module.parameters()).device
        if device.type == "cuda":
            module = nn.SyncBatchNorm.convert_sync_batchnorm(module)
        return DistributedDataParallel(module, device_ids=[device] if device.type == "cuda" else None)

    def sum(self, values: Tensor) -> Tensor:
        """The sum of all processes' values, on each of them."""
        if self.size > 1:
            values = values.clone()
            distributed.all_reduce(values)
        return values

    def from_first(self, value: Value | None) -> Value:
        """What the first process has, on each of them; plain data."""
        if self.size > 1:
            held = [value]
            distributed.broadcast_object_list(held, src=0)
            value = held[0]
        assert value is not None  # the first process has one
        return value


ALONE = World()
