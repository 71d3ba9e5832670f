"""A bound on the weights of a network that is built from somebody's description.

A description of a few lines could otherwise ask for any amount of memory before its weights are looked at.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

SENSELESS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError)
"""What networks raise that are built from a description that makes no sense: a layer of negative width, say."""


class AtMostWeights(TorchFunctionMode):
    """Networks built inside together have at most `count` weights, else ValueError."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._left = count

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Counts what layers make their weights with."""
        if func is torch.empty:
            sizes = args[0] if isinstance(args[0], Sequence) else args
            if min(sizes, default=1) < 1:  # two negative ones would make a product that passes
                raise ValueError(f"it asks for a layer of the shape {tuple(sizes)}")
            self._left -= math.prod(sizes)
            if self._left < 0:
                raise ValueError("it asks for more weights than are there")
        return func(*args, **(kwargs or {}))


def count_of(weights: Mapping[str, Tensor]) -> int:
    """Numbers in all of them."""
    return sum(value.numel() for value in weights.values())
