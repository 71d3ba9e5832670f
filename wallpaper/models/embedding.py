"""Learned vectors for the 17 groups, started from what is known of them.

A group's first numbers are its lattice system, rotations, mirrors and glides
(`wallpaper.plane.embedding_features`); the rest start random; all are learned. Knows no field, no latent.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from wallpaper.plane import FEATURES, PLANE_GROUPS, embedding_features


class GroupEmbedding(nn.Module):
    """One learnable vector per group: (17, embedding_dim).

    Args:
        embedding_dim: at least `FEATURES`; the numbers beyond them start as standard normal draws.
        generator: source of those draws; None takes torch's global one.
    Raises: ValueError: too few dimensions for the known features.
    """

    def __init__(self, embedding_dim: int = 32, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        if embedding_dim < FEATURES:
            raise ValueError(
                f"`embedding_dim >= {FEATURES}` must hold, for the known features, but got {embedding_dim}"
            )
        known = torch.tensor([embedding_features(group) for group in PLANE_GROUPS.values()], dtype=torch.float32)
        free = torch.randn(len(known), embedding_dim - FEATURES, generator=generator)
        self.weight = nn.Parameter(torch.cat([known, free], dim=1))

    def forward(self, group: Tensor) -> Tensor:
        """Vectors (B, embedding_dim) of group indices (B,). Raises: IndexError: an index outside 0-16 (on a CPU)."""
        return functional.embedding(group, self.weight)
