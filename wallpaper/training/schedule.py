"""Learning rate as a function of the step alone, so that a resumed run needs no scheduler state.

The cosine is that of Loshchilov and Hutter, *SGDR* (2017), equation 5, without restarts. Knows no optimiser.
"""

from __future__ import annotations

import math
from typing import Literal

Scheduler = Literal["cosine", "constant"]


def learning_rate(base: float, step: int, steps: int, scheduler: Scheduler, warmup: int = 0) -> float:
    """Rate of step 0 <= step < steps: a linear rise over `warmup` steps, then constant or half a cosine to 0."""
    if step < warmup:
        return base * (step + 1) / (warmup + 1)
    if scheduler == "constant":
        return base
    return base * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
