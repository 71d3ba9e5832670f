"""The history of one metric, brought up to date by asking for what is new.

A store hands out a history in pages, each with a token for the next; the token of the last full page says where to
go on. A point recorded late, with an old time, would lie before that place and be missed: so all is read again
when the run has ended, and every `FULL_SECONDS`.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator

from dashboard.store.records import Curve, Latest
from dashboard.store.source import Point

FULL_SECONDS = 60.0

Pages = Callable[[str | None], Iterator[tuple[list[Point], str | None]]]
"""Of one history, from a token on: each page, and the token after it."""


class Series:
    """One metric of one run. Used by one thread; the curves that it hands out never change."""

    def __init__(self) -> None:
        self._columns: tuple[array[int], array[float], array[float]] = array("q"), array("d"), array("d")
        """Steps, values and times in the order in which they were recorded."""
        self._token: str | None = None
        self._kept = 0
        """Points before the page at which `_token` begins."""
        self._seen: tuple[Latest, str] | None = None
        self._full_at = 0.0
        self.curve = Curve()

    def read(self, pages: Pages, latest: Latest, status: str, now: float) -> bool:
        """Ask for what is new, if there is something. Returns: whether the curve has changed.

        Args:
            latest: the metric's last point; with the run's status it tells whether there can be news.
            now: seconds of any clock that only goes forward.
        """
        if self._seen == (latest, status):
            return False
        ended = self._seen is not None and self._seen[1] != status
        if self._token is None or ended or now - self._full_at > FULL_SECONDS:
            self._token, self._kept, self._full_at = None, 0, now
        for points, token in pages(self._token):
            steps, values, times = self._columns
            steps[self._kept :] = array("q", [step for step, _, _ in points])
            values[self._kept :] = array("d", [value for _, value, _ in points])
            times[self._kept :] = array("d", [at for _, _, at in points])
            if token:
                self._token, self._kept = token, self._kept + len(points)
        self._seen = (latest, status)
        return self._set(Curve.recorded(*self._columns))

    def take(self, latest: Latest) -> bool:
        """The only point that there is, without asking. Returns: whether the curve has changed."""
        return self._set(Curve([latest.step], [latest.value], [latest.time]))

    def _set(self, curve: Curve) -> bool:
        changed = curve != self.curve
        self.curve = curve
        return changed
