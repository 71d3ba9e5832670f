"""Which source latent is taught to become which target latent.

Independent pairs say nothing about where one latent should go; the exact optimal transport between two
groups' latents does, and gives straight paths that do not cross (Tong et al., *Improving and generalizing
flow-based generative models with minibatch optimal transport*, 2024). Computed once, within each pair of
groups. Knows no model and no loss.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from torch import Tensor

from wallpaper.data.latents import Latents
from wallpaper.training.files import write_bytes

CouplingName: TypeAlias = Literal["random", "ot"]
GroupPair: TypeAlias = tuple[int, int]
"""Indices 0-16 of source and target group."""

BLOCK = 1024
"""Points of one exact assignment: its time grows with the cube."""


@dataclass(frozen=True, slots=True, eq=False)
class PairBatch:
    """Coupled latents."""

    z_source: Tensor
    """(P, d)."""
    z_target: Tensor
    """(P, d)."""
    source: Tensor
    """(P,) int64 group indices."""
    target: Tensor
    """(P,) int64 group indices."""

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, rows: slice | Tensor) -> PairBatch:
        """Some of the pairs."""
        return PairBatch(self.z_source[rows], self.z_target[rows], self.source[rows], self.target[rows])

    def to(self, device: torch.device | str) -> PairBatch:
        """The same pairs on another device."""
        return PairBatch(*(part.to(device) for part in (self.z_source, self.z_target, self.source, self.target)))

    @staticmethod
    def join(parts: Sequence[PairBatch]) -> PairBatch:
        """All pairs of several batches, in order."""
        names = ("z_source", "z_target", "source", "target")
        return PairBatch(*(torch.cat([getattr(part, name) for part in parts]) for name in names))


class Coupling(Protocol):
    """Draws pairs of latents of two different groups, every ordered pair of groups equally often, some never."""

    def draw(self, count: int, generator: torch.Generator) -> PairBatch:
        """`count` independent draws."""
        ...


class RandomCoupling:
    """Source and target drawn independently of each other, evenly within their groups."""

    def __init__(self, latents: Latents, *, without: Collection[GroupPair] = ()) -> None:
        self._latents = latents
        self._groups = _Groups(latents, without)

    def draw(self, count: int, generator: torch.Generator) -> PairBatch:
        """See `Coupling`."""
        first, second = self._groups.draw_ordered_pairs(count, generator)
        return _batch(self._latents, *(self._groups.draw_members(which, generator) for which in (first, second)))


class OptimalCoupling:
    """Pairs of the exact optimal transport, squared Euclidean cost, within each pair of groups.

    Of two groups of different size, the points of the smaller one are used several times, each as often as any
    other to within one. Groups above `block` points are split at random into parts of at most that size, which
    are coupled each on its own. The way back is the same pairing read backwards.

    Args:
        without: ordered pairs of groups that are never drawn.
        cache: file that keeps the table; one that is damaged or of other latents is computed anew.
    """

    def __init__(
        self,
        latents: Latents,
        *,
        block: int = BLOCK,
        without: Collection[GroupPair] = (),
        cache: Path | None = None,
    ) -> None:
        if block < 1:
            raise ValueError(f"`block >= 1` must hold, but got {block}")
        self._latents = latents
        self._groups = _Groups(latents, without)
        table = _cached_table(self._groups, latents, block, cache)
        self._table = torch.from_numpy(np.concatenate(table))
        sizes = torch.tensor([len(rows) for rows in table])
        self._count, self._start = sizes, sizes.cumsum(0) - sizes

    def pairs(self, source: int, target: int) -> Tensor:
        """(K, 2) rows of the latents: every pair from group `source` to group `target`."""
        first, second = self._groups.place(source), self._groups.place(target)
        number = int(self._groups.pair_number(torch.tensor(first), torch.tensor(second)))
        rows = self._table[self._start[number] : self._start[number] + self._count[number]]
        return rows if first < second else rows.flip(1)

    def draw(self, count: int, generator: torch.Generator) -> PairBatch:
        """See `Coupling`."""
        first, second = self._groups.draw_ordered_pairs(count, generator)
        number = self._groups.pair_number(first, second)
        chosen = self._table[self._start[number] + _below(self._count[number], generator)]
        backwards = (first > second)[:, None]
        rows = torch.where(backwards, chosen.flip(1), chosen)
        return _batch(self._latents, rows[:, 0], rows[:, 1])


def build_coupling(
    name: CouplingName, latents: Latents, *, without: Collection[GroupPair] = (), cache: Path | None = None
) -> Coupling:
    """The coupling called `name`, which never draws the ordered pairs of groups `without`.

    Raises: ValueError: unknown, fewer than two groups among the latents, or no pair of groups left.
    """
    if name not in ("random", "ot"):
        raise ValueError(f"`coupling` must be random or ot, but got {name!r}")
    if name == "random":
        return RandomCoupling(latents, without=without)
    return OptimalCoupling(latents, without=without, cache=cache)


def optimal_assignment(source: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.int64]:
    """For equally many points (K, d): the permutation (K,) of targets of least total squared distance."""
    if source.shape != target.shape:
        raise ValueError(f"both must have the same shape, but got {source.shape} and {target.shape}")
    return np.asarray(linear_sum_assignment(cdist(source, target, "sqeuclidean"))[1], dtype=np.int64)


class _Groups:
    """Rows of the latents by group; groups are counted among those present, in index order."""

    def __init__(self, latents: Latents, without: Collection[GroupPair]) -> None:
        self.labels, self.count = latents.labels.unique(return_counts=True)
        if len(self.labels) < 2:
            raise ValueError(f"a coupling needs latents of at least two groups, but got groups {self.labels.tolist()}")
        ordered = permutations(enumerate(self.labels.tolist()), 2)
        drawn = [(s, t) for (s, source), (t, target) in ordered if (source, target) not in without]
        if not drawn:
            raise ValueError(f"a pair of the groups {self.labels.tolist()} must be left to train, but all are held out")
        self.drawn = torch.tensor(drawn)
        self.order = latents.labels.argsort(stable=True)
        self.start = self.count.cumsum(0) - self.count

    def place(self, label: int) -> int:
        found = (self.labels == label).nonzero()
        if not len(found):
            raise ValueError(f"group {label} must be among the latents, but they hold groups {self.labels.tolist()}")
        return int(found)

    def members(self, place: int) -> NDArray[np.int64]:
        rows: NDArray[np.int64] = self.order[self.start[place] : self.start[place] + self.count[place]].numpy()
        return rows

    def pair_number(self, first: Tensor, second: Tensor) -> Tensor:
        """Position of an unordered pair in `combinations(range(groups), 2)`."""
        low, high = torch.minimum(first, second), torch.maximum(first, second)
        return low * (2 * len(self.labels) - low - 1) // 2 + high - low - 1

    def draw_ordered_pairs(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        chosen = self.drawn[torch.randint(len(self.drawn), (count,), generator=generator)]
        return chosen[:, 0], chosen[:, 1]

    def draw_members(self, place: Tensor, generator: torch.Generator) -> Tensor:
        return self.order[self.start[place] + _below(self.count[place], generator)]


def _below(bound: Tensor, generator: torch.Generator) -> Tensor:
    """Integers in [0, bound), a different bound each; float64 so that no bound is ever reached."""
    return (torch.rand(len(bound), dtype=torch.float64, generator=generator) * bound).long()


def _batch(latents: Latents, source: Tensor, target: Tensor) -> PairBatch:
    return PairBatch(latents.mean[source], latents.mean[target], latents.labels[source], latents.labels[target])


def _cached_table(groups: _Groups, latents: Latents, block: int, cache: Path | None) -> list[NDArray[np.int64]]:
    digest = hashlib.sha256(
        latents.mean.numpy().tobytes() + latents.labels.numpy().tobytes() + bytes(str(block), "ascii")
    )
    if cache is not None:
        try:
            with cache.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                if str(file["digest"]) == digest.hexdigest():
                    return np.split(file["rows"], file["ends"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            pass  # no cache yet, or none that can be used
    table = _table(groups, latents.mean.numpy(), block)
    if cache is not None:
        content = io.BytesIO()
        ends = np.cumsum([len(rows) for rows in table])[:-1]
        np.savez(content, digest=np.array(digest.hexdigest()), rows=np.concatenate(table), ends=ends)
        write_bytes(cache, content.getvalue())
    return table


def _table(groups: _Groups, points: NDArray[np.float32], block: int) -> list[NDArray[np.int64]]:
    """Coupled rows (K, 2) of each unordered pair of groups, as `combinations` orders them."""
    generator = np.random.default_rng(0)  # only splits and fills up: the same latents give the same table
    table = []
    for first, second in combinations(range(len(groups.labels)), 2):
        ends = (groups.members(first), groups.members(second))
        size = max(map(len, ends))
        parts = [np.array_split(_filled_up(rows, size, generator), -(-size // block)) for rows in ends]
        table.append(np.concatenate([_coupled(points, a, b) for a, b in zip(*parts, strict=True)]))
    return table


def _filled_up(rows: NDArray[np.int64], size: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """`size` rows in random order, each as often as any other to within one."""
    whole, rest = divmod(size, len(rows))
    filled = np.concatenate([np.tile(rows, whole), generator.permutation(rows)[:rest]])
    return generator.permutation(filled)


def _coupled(points: NDArray[np.float32], source: NDArray[np.int64], target: NDArray[np.int64]) -> NDArray[np.int64]:
    chosen = optimal_assignment(points[source], points[target])
    return np.stack([source, target[chosen]], axis=1)
