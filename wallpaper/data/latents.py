"""Encoder means of a whole dataset: computed once, kept on disk for the pair (dataset, encoder).

The cache is only ever an optimisation: a file that is damaged or does not fit is computed again.
Knows the encoder by its `encode` alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from wallpaper.data.archive import read_npz, write_npz
from wallpaper.data.store import PatternStore


class Encoder(Protocol):
    """Anything that maps images to a Gaussian in latent space."""

    def encode(self, image: Tensor, group: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, 3, n, n) in [0, 1] with group indices (B,) to mean and log-variance, each (B, d)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Latents:
    """Latent means with their groups, on the CPU."""

    mean: Tensor
    """(N, d) float32."""
    labels: Tensor
    """(N,) int64 group indices."""
    index: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.int64))
    """(N,) int64 position of each in the store; 0..N-1 if not given."""
    places: int = 0
    """Side of the grid of places that a latent lies on, channel after channel; 0: on none."""

    def __post_init__(self) -> None:
        if self.mean.ndim != 2 or self.mean.dtype != torch.float32:
            raise ValueError(f"`mean` must be float32 (N, d), but got {self.mean.dtype} {tuple(self.mean.shape)}")
        if len(self.index) == 0:
            object.__setattr__(self, "index", torch.arange(len(self.mean)))
        for name, values in (("labels", self.labels), ("index", self.index)):
            if values.shape != self.mean.shape[:1] or values.dtype != torch.int64:
                shape = tuple(values.shape)
                raise ValueError(f"`{name}` must be int64 ({len(self.mean)},), but got {values.dtype} {shape}")

    def __len__(self) -> int:
        return len(self.mean)

    @property
    def dimension(self) -> int:
        """Latent dimension d."""
        return self.mean.shape[1]

    def take(self, indices: ArrayLike | Tensor) -> Latents:
        """The rows at `indices`, such as one split; `index` still points into the store."""
        rows = torch.as_tensor(np.asarray(indices, dtype=np.int64))
        return Latents(self.mean[rows], self.labels[rows], self.index[rows], self.places)


def cached_latents(
    store: PatternStore,
    encoder: Encoder,
    encoder_digest: str,
    folder: Path | str,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
    side: int | None = None,
    batch_size: int = 64,
    device: torch.device | str = "cpu",
) -> Latents:
    """Encoder means of every pattern in the store, from the cache if they are there.

    Args:
        store: the patterns.
        encoder: a module is put into evaluation mode meanwhile; it must be on `device` already.
        encoder_digest: names the encoder's weights; another digest is another cache file.
        folder: where the cache lies; made if need be.
        progress: gets (done, total) patterns after each batch; not called when the cache is used.
        side: samples along each cell edge that the encoder takes, a divisor of the store's; default the same.
        batch_size: patterns encoded at once.
        device: where the images go.
    Returns: all N latents, in the store's order.
    Raises: ValueError: the digest is no file name, `side` does not fit, or the encoder gives NaN or a wrong shape.
    """
    if not re.fullmatch(r"[0-9A-Za-z_-]+", encoder_digest):
        raise ValueError(f"`encoder_digest` must be letters, digits, - and _, but got {encoder_digest!r}")
    path = Path(folder) / f"latents-{store.digest}-{encoder_digest}-{side or store.side}.npz"
    found = _load(path, store, _places(encoder))
    if found is not None:
        return found
    with evaluating(encoder):
        latents = encode_all(store, encoder, progress=progress, side=side, batch_size=batch_size, device=device)
    write_npz(path, {"mean": latents.mean.numpy(), "labels": latents.labels.numpy()})
    return latents


@torch.no_grad()
def encode_all(
    store: PatternStore,
    encoder: Encoder,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
    side: int | None = None,
    batch_size: int = 64,
    device: torch.device | str = "cpu",
) -> Latents:
    """`cached_latents` without a cache and without touching the encoder's mode."""
    labels = torch.from_numpy(store.labels)
    means = []
    for start in range(0, len(store), batch_size):
        stop = min(start + batch_size, len(store))
        image = store.batch(range(start, stop), side=side)
        mean, _ = encoder.encode(image.to(device), labels[start:stop].to(device))
        if mean.ndim != 2 or len(mean) != stop - start:
            raise ValueError(f"the encoder's mean must be ({stop - start}, d), but got {tuple(mean.shape)}")
        finite = torch.isfinite(mean).all(1)
        if not finite.all():
            first = start + int((~finite).nonzero()[0])
            raise ValueError(f"the encoder's mean must be finite, but is not for pattern {first}; train it again")
        means.append(mean.float().cpu())
        progress(stop, len(store))
    return Latents(torch.cat(means), labels, places=_places(encoder))


@contextmanager
def evaluating(model: object) -> Iterator[None]:
    """Put a module into evaluation mode for the block, and back; anything else is left alone."""
    training = isinstance(model, nn.Module) and model.training
    if isinstance(model, nn.Module):
        model.eval()
    try:
        yield
    finally:
        if isinstance(model, nn.Module):
            model.train(training)


def _places(encoder: Encoder) -> int:
    """What the encoder says of its latents; most say nothing."""
    return int(getattr(encoder, "places", 0))


def _load(path: Path, store: PatternStore, places: int) -> Latents | None:
    try:
        found = read_npz(path)
        mean, labels = found["mean"], found["labels"]
    except (OSError, ValueError, KeyError):
        return None
    shaped = mean.ndim == 2 and mean.dtype == np.float32 and len(mean) == len(store)
    if not (shaped and np.isfinite(mean).all() and np.array_equal(labels, store.labels)):
        return None
    return Latents(torch.from_numpy(mean), torch.from_numpy(store.labels), places=places)
