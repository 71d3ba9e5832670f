"""PyTorch's own distribution of fresh weights, from a generator of the caller's.

The same seed gives the same network, and nobody's global random numbers are used up.
"""

from __future__ import annotations

import math

import torch
from torch import nn


def initialise(module: nn.Module, generator: torch.Generator | None) -> None:
    """Weights and biases of all linear layers and convolutions of `module`; None takes torch's global generator."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            bound = 1 / math.sqrt(layer.weight[0].numel())
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
            if layer.bias is not None:
                nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
