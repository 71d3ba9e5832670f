"""Progress of a job made of several kinds of steps: shares of the whole, in percent.

It knows neither what the steps are nor who looks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

Progress: TypeAlias = Callable[[int, int], None]
"""Gets (done, total)."""


class Work:
    """Parts of a job with the time that each takes, in any unit; `progress` gets (percent done, 100) as it grows."""

    def __init__(self, shares: Mapping[str, float], progress: Progress) -> None:
        self._shares, self._progress = dict(shares), progress
        self._total = sum(self._shares.values())
        self._done, self._said = 0.0, 0

    def part(self, name: str, steps: int) -> Callable[[], None]:
        """A function to call after each of the part's steps; calls beyond `steps` count nothing."""
        share, left = self._shares.pop(name), steps

        def tick() -> None:
            nonlocal left
            if left > 0:
                left -= 1
                self._advance(share / steps)

        return tick

    def finish(self) -> None:
        """All is done."""
        self._advance(self._total - self._done)

    def _advance(self, amount: float) -> None:
        self._done += amount
        percent = min(100, round(100 * self._done / self._total))
        if percent > self._said:
            self._said = percent
            self._progress(percent, 100)
