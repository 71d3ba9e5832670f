"""An exponential moving average of a model's weights, which is often better than the weights themselves.

Polyak and Juditsky, *Acceleration of Stochastic Approximation by Averaging* (1992), with a forgetting factor.
Running statistics of batch normalisation belong to the weights that made them, so they are averaged with the same
factor; counters are copied. Knows no loop.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

PREFIX = "average/"


class WeightAverage:
    """The average of a module's parameters and buffers over its steps.

    Args: decay: share of the old average that a step keeps, at most; young averages forget faster, so that the
        random start does not stay in them.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self._module, self._decay = module, decay
        self.weights = {name: value.detach().clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the module's weights after its `step`-th step, counted from 1."""
        decay = min(self._decay, step / (step + 10))
        now = self._module.state_dict()
        moving = [name for name, value in self.weights.items() if value.is_floating_point()]
        torch._foreach_lerp_([self.weights[name] for name in moving], [now[name] for name in moving], 1 - decay)
        for name in self.weights.keys() - set(moving):
            self.weights[name].copy_(now[name])

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The module has the average's weights inside the block, and its own after it."""
        own = {name: value.detach().clone() for name, value in self._module.state_dict().items()}
        self._module.load_state_dict(self.weights)
        try:
            yield
        finally:
            self._module.load_state_dict(own)

    def tensors(self) -> dict[str, Tensor]:
        """The average, for a checkpoint."""
        return {PREFIX + name: value for name, value in self.weights.items()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Put `tensors` back, which may hold others too. Raises: KeyError: not all are there."""
        for name, value in self.weights.items():
            value.copy_(tensors[PREFIX + name])
