"""What it takes to have learned one batch by heart.

Apart from `rehearsal`, which takes the steps: to say how many takes no torch.
"""

from __future__ import annotations

STEPS_BY_HEART = 200
"""Steps on the one batch that is learned by heart."""

CLEARLY_LOWER = 0.8
"""What the loss of that batch must fall below, relative to its first value."""
