"""The batches of a VAE's training, made ready ahead of the steps that need them.

Everything random is drawn for the whole batch from one generator on the CPU, and each process takes its rows: how
many there are, and whether a thread of its own prepares the next batch, changes no number. Knows no model.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from wallpaper.training.augment import move, random_moves, random_orders, random_symmetry, reordered
from wallpaper.training.pattern_source import Indices, PatternSource, images
from wallpaper.training.vae_config import VaeConfig
from wallpaper.training.world import World

Item = TypeVar("Item")

AHEAD = 2
"""Batches that wait, ready, for the steps to come."""


@dataclass(frozen=True, slots=True, eq=False)
class VaeBatch:
    """This process's share of a batch, on its device."""

    index: Indices
    """(B,) places in the dataset."""
    image: Tensor
    """(B, 3, n, n) float32."""
    group: Tensor
    """(B,) int64, on the CPU."""
    noise: Tensor
    """(B, d) standard normal."""
    symmetry: Tensor | None
    """(B, 6) an operation of each pattern's group, where the step looks at the invariance."""
    count: int
    """Patterns in the whole batch, over all processes."""
    after: Tensor
    """The generator's state when all this was drawn."""


def prepare(
    config: VaeConfig,
    source: PatternSource,
    chosen: Indices,
    generator: torch.Generator,
    device: torch.device,
    *,
    invariance: bool,
    world: World,
) -> VaeBatch:
    """Draw and read what a step on the patterns `chosen` needs."""
    group, count, own = torch.from_numpy(source.labels[chosen]), len(chosen), world.share(len(chosen))
    moves = random_moves(group, config.resolution, generator) if config.augment else None
    orders = random_orders(count, 3, generator) if config.recolour else None
    noise = torch.randn(count, config.latent_dim, generator=generator)
    symmetry = random_symmetry(group, config.resolution, generator) if invariance else None
    image = images(source, chosen[own], config.resolution).to(device, non_blocking=True)
    if moves is not None:
        image = move(image, moves[own])
    if orders is not None:
        image = reordered(image, orders[own])
    return VaeBatch(
        index=chosen[own],
        image=image,
        group=group[own],
        noise=noise[own].to(device, non_blocking=True),
        symmetry=None if symmetry is None else symmetry[own],
        count=count,
        after=generator.get_state(),
    )


def ahead(items: Iterable[Item], depth: int = AHEAD) -> Iterator[Item]:
    """The same items, made by a thread that is up to `depth` ahead; what it raises is raised here, in its place.

    Close the iterator to end the thread before its last item.
    """
    waiting: queue.Queue[tuple[Item | None, BaseException | None]] = queue.Queue(depth)
    closed = threading.Event()

    def put(item: Item | None, error: BaseException | None) -> None:
        while not closed.is_set():
            try:
                return waiting.put((item, error), timeout=0.1)
            except queue.Full:
                continue

    def work() -> None:
        try:
            for item in items:
                put(item, None)
                if closed.is_set():
                    return
            put(None, None)
        except BaseException as error:  # the consumer's to handle, whatever it is
            put(None, error)

    thread = threading.Thread(target=work, name="batches", daemon=True)
    thread.start()
    try:
        while True:
            item, error = waiting.get()
            if error is not None:
                raise error
            if item is None:
                return
            yield item
    finally:
        closed.set()
        thread.join()
