"""Transition pairs: which latent of one group goes to which latent of another.

`cross` pairs the latents of two different patterns. `same` decodes one base latent under both groups
and encodes the two images again; every base is coded once under every group, in batches, and pairs are
drawn from that table, so an epoch costs no pass through the models. `mixed` is half of each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from wallpaper.data.latents import Encoder, Latents, cached_latents, evaluating
from wallpaper.data.store import PatternStore
from wallpaper.plane import GROUP_NAMES

Mode: TypeAlias = Literal["cross", "same", "mixed"]
MODES: tuple[Mode, ...] = get_args(Mode)

GROUPS = len(GROUP_NAMES)


class Codec(Encoder, Protocol):
    """An encoder with its decoder, as `same` pairs need it."""

    def decode(self, z: Tensor, group: Tensor) -> Tensor:
        """Latents (B, d) with group indices (B,) to images (B, 3, n, n) with the groups' symmetry."""
        ...


class EpochPairs(NamedTuple):
    """All pairs of an epoch, on the CPU."""

    z_source: Tensor
    """(P, d) float32."""
    z_target: Tensor
    """(P, d) float32."""
    source: Tensor
    """(P,) int64 source groups."""
    target: Tensor
    """(P,) int64 target groups, different from the source's."""


@dataclass(frozen=True, slots=True, eq=False)
class _Draw:
    """What was drawn for an epoch: rows of the latents for cross pairs, of the base table for same pairs."""

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    source_row: NDArray[np.int64]
    target_row: NDArray[np.int64]
    same: NDArray[np.bool_]


class RealTransitionDataset(Dataset[dict[str, Any]]):
    """Pairs of latents with their groups; an item is one pair, `epoch_pairs` all of them at once.

    Every ordered pair of different groups occurs equally often (to within one per epoch and kind).
    An epoch's pairs follow from (seed, epoch) alone.
    """

    def __init__(
        self,
        latents: Latents,
        *,
        mode: Mode = "cross",
        pairs_per_epoch: int = 10_000,
        seed: int = 0,
        codec: Codec | None = None,
        store: PatternStore | None = None,
        with_patterns: bool = False,
        side: int | None = None,
        bases: int = 256,
        batch_size: int = 64,
        device: torch.device | str = "cpu",
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        """Set up the pairs; the first epoch is 0.

        Args:
            latents: those of one split; groups without a latent take no part in cross pairs.
            mode: "cross", "same" or "mixed".
            pairs_per_epoch: P, the length of the dataset.
            seed: of all draws.
            codec: decodes and encodes; needed by "same" and "mixed". On `device` already.
            store: the patterns; needed with `with_patterns` unless the mode is "same".
            with_patterns: items hold `source_pattern` and `target_pattern` too.
            side: samples along each edge of the store's patterns, a divisor of its own; default the same.
            bases: latents, evenly over the groups, that serve as base of same pairs.
            batch_size: images coded at once.
            device: where the codec works.
            progress: gets (done, total) images while the table of bases is coded.
        Raises: ValueError: an unknown mode, a missing codec or store, or fewer than two groups.
        """
        self.latents, self.mode, self.seed, self.codec, self.store = latents, mode, seed, codec, store
        self.pairs_per_epoch, self.with_patterns = pairs_per_epoch, with_patterns
        self._side = side
        self._bases, self._batch_size, self._device, self._progress = bases, batch_size, device, progress
        self._check()
        labels = latents.labels.numpy()
        self._order = np.argsort(labels, kind="stable")
        self._count = np.bincount(labels, minlength=GROUPS)
        self._start = np.cumsum(self._count) - self._count
        self._table: Tensor | None = None
        self._base_rows = self._draw_bases()
        self.set_epoch(0)

    @classmethod
    def from_file(
        cls,
        h5_path: Path | str,
        vae: Codec,
        vae_digest: str,
        *,
        split: str = "train",
        cache_folder: Path | str | None = None,
        **options: Any,
    ) -> RealTransitionDataset:
        """Pairs from one split of a pattern file; latents come from the cache beside it where they are there.

        Args:
            h5_path: the pattern file.
            vae: encoder and decoder.
            vae_digest: names its weights, for the cache.
            split: "train", "val" or "test".
            cache_folder: default `latents` beside the file.
            options: arguments of the constructor.
        Raises: StoreError: the file or its splits. ValueError: an unknown split, or see the constructor.
        """
        store = PatternStore(h5_path)
        if split not in store.splits:
            raise ValueError(f"`split` must be one of {', '.join(store.splits)}, but got {split!r}")
        folder = Path(cache_folder) if cache_folder else store.path.parent / "latents"
        coding = {name: options[name] for name in ("side", "batch_size", "device", "progress") if name in options}
        latents = cached_latents(store, vae, vae_digest, folder, **coding)
        return cls(latents.take(store.splits[split]), codec=vae, store=store, **options)

    def __len__(self) -> int:
        return self.pairs_per_epoch

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose pairs the items are."""
        self._epoch, self._current = epoch, self._draw(epoch)

    def __getitem__(self, item: int) -> dict[str, Any]:
        """One pair of the current epoch.

        Returns: z_source and z_target (d,) float32, source_idx and target_idx as int; with patterns also
            source_pattern and target_pattern (3, n, n) float32 in [0, 1].
        """
        if not 0 <= item < len(self):
            raise IndexError(f"`0 <= item < {len(self)}` must hold, but got {item}")
        draw = self._current
        one = _Draw(*(getattr(draw, name)[item : item + 1] for name in _Draw.__slots__))
        pairs = self._look_up(one)
        result: dict[str, Any] = {
            "z_source": pairs.z_source[0],
            "z_target": pairs.z_target[0],
            "source_idx": int(pairs.source[0]),
            "target_idx": int(pairs.target[0]),
        }
        if self.with_patterns:
            result["source_pattern"], result["target_pattern"] = self.patterns(item)
        return result

    def epoch_pairs(self, epoch: int) -> EpochPairs:
        """All P pairs of an epoch, as items would give them after `set_epoch(epoch)`."""
        return self._look_up(self._draw(epoch))

    def patterns(self, item: int) -> tuple[Tensor, Tensor]:
        """The two images of a pair, each (3, n, n) float32 in [0, 1]: from the store, or decoded for a same pair."""
        draw = self._current
        rows = [int(draw.source_row[item]), int(draw.target_row[item])]
        if draw.same[item]:
            groups = torch.tensor([draw.source[item], draw.target[item]])
            images = self._decode(self.latents.mean[self._base_rows[rows]], groups).float().cpu()
        else:
            assert self.store is not None  # checked when the dataset was made
            images = self.store.batch(self.latents.index[rows], side=self._side)
        return images[0], images[1]

    def _check(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"`mode` must be one of {', '.join(MODES)}, but got {self.mode!r}")
        for name, value in (("pairs_per_epoch", self.pairs_per_epoch), ("bases", self._bases)):
            if value < 1:
                raise ValueError(f"`{name} >= 1` must hold, but got {value}")
        if self.mode != "cross" and self.codec is None:
            raise ValueError(f"mode {self.mode!r} decodes and encodes, but got codec=None; pass the VAE")
        if self.with_patterns and self.mode != "same" and self.store is None:
            raise ValueError(f"`with_patterns` in mode {self.mode!r} reads images, but got store=None; pass the store")
        if len(self.latents) == 0:
            raise ValueError("at least one latent must be given, but got none; use a larger split")
        present = len(self.latents.labels.unique())
        if self.mode != "same" and present < 2:
            raise ValueError(f"cross pairs need latents of two groups at least, but got {present}; use a larger split")

    def _draw_bases(self) -> NDArray[np.int64]:
        """Rows of the latents that serve as bases: one of each group in turn until there are enough."""
        if self.mode == "cross":
            return np.empty(0, np.int64)
        generator = np.random.default_rng(np.random.SeedSequence([self.seed]))
        shuffled = generator.permutation(self._order)
        labels = self.latents.labels.numpy()[shuffled]
        turn = np.empty(len(labels), np.int64)
        for label in np.unique(labels):
            members = labels == label
            turn[members] = np.arange(members.sum())
        return shuffled[np.argsort(turn, kind="stable")][: self._bases]

    def _draw(self, epoch: int) -> _Draw:
        generator = np.random.default_rng(np.random.SeedSequence([self.seed, epoch, 1]))
        total = self.pairs_per_epoch
        same_count = {"cross": 0, "same": total, "mixed": total // 2}[self.mode]
        parts = []
        if total > same_count:
            source, target = _balanced_pairs(np.flatnonzero(self._count), total - same_count, generator)
            rows = [self._rows_of(groups, generator) for groups in (source, target)]
            parts.append((source, target, *rows, np.zeros(len(source), bool)))
        if same_count:
            source, target = _balanced_pairs(np.arange(GROUPS), same_count, generator)
            base = generator.integers(len(self._base_rows), size=same_count)
            parts.append((source, target, base, base, np.ones(same_count, bool)))
        order = generator.permutation(total)
        return _Draw(*(np.concatenate(columns)[order] for columns in zip(*parts, strict=True)))

    def _rows_of(self, groups: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
        """A random row of the latents for each group."""
        offset = generator.integers(self._count[groups])
        return np.asarray(self._order[self._start[groups] + offset])

    def _look_up(self, draw: _Draw) -> EpochPairs:
        source, target = torch.from_numpy(draw.source), torch.from_numpy(draw.target)
        z = []
        for group, row in ((source, torch.from_numpy(draw.source_row)), (target, torch.from_numpy(draw.target_row))):
            same = torch.from_numpy(draw.same)
            latent = torch.empty(len(row), self.latents.dimension)
            latent[~same] = self.latents.mean[row[~same]]
            if draw.same.any():
                latent[same] = self._coded_bases()[row[same], group[same]]
            z.append(latent)
        return EpochPairs(z[0], z[1], source, target)

    def _coded_bases(self) -> Tensor:
        """(bases, 17, d) float32: each base decoded under each group and encoded again; made at the first use."""
        if self._table is None:
            base = torch.from_numpy(self._base_rows).repeat_interleave(GROUPS)
            group = torch.arange(GROUPS).repeat(len(self._base_rows))
            coded = []
            for start in range(0, len(base), self._batch_size):
                part = slice(start, start + self._batch_size)
                coded.append(self._code_again(self.latents.mean[base[part]], group[part]))
                self._progress(min(part.stop, len(base)), len(base))
            self._table = torch.cat(coded).view(-1, GROUPS, self.latents.dimension)
        return self._table

    @torch.no_grad()
    def _decode(self, z: Tensor, group: Tensor) -> Tensor:
        assert self.codec is not None  # checked when the dataset was made
        with evaluating(self.codec):
            return self.codec.decode(z.to(self._device), group.to(self._device))

    @torch.no_grad()
    def _code_again(self, z: Tensor, group: Tensor) -> Tensor:
        assert self.codec is not None
        image = self._decode(z, group)
        with evaluating(self.codec):
            mean, _ = self.codec.encode(image, group.to(self._device))
        if not torch.isfinite(mean).all():
            raise ValueError("the codec's latents must be finite, but got NaN or infinity; train it again")
        return mean.float().cpu()


def _balanced_pairs(
    groups: NDArray[np.integer], count: int, generator: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """`count` ordered pairs of different groups in random order, all equally often to within one."""
    source, target = np.meshgrid(groups, groups, indexing="ij")
    different = source != target
    pairs = np.stack([source[different], target[different]], axis=1).astype(np.int64)
    whole, rest = divmod(count, len(pairs))
    chosen = np.concatenate([np.tile(np.arange(len(pairs)), whole), generator.permutation(len(pairs))[:rest]])
    drawn = pairs[generator.permutation(chosen)]
    return drawn[:, 0].copy(), drawn[:, 1].copy()
