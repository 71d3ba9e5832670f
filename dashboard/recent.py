"""Values used last, by key: a bound on what a process that lives for weeks keeps.

Not for several threads at once: whoever shares one brings a lock.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(OrderedDict[K, V]):
    """At most `most` values; the one that was set or used longest ago is dropped.

    >>> kept = Recent(2)
    >>> kept["a"], kept["b"] = 1, 2
    >>> kept.use("a")
    1
    >>> kept["c"] = 3
    >>> list(kept)
    ['a', 'c']
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, key: K, value: V) -> None:
        """Keep a value, as the last one."""
        super().__setitem__(key, value)
        self.move_to_end(key)
        while len(self) > self._most:
            self.popitem(last=False)

    def use(self, key: K) -> V:
        """A value, which is the last one then. Raises: KeyError."""
        self.move_to_end(key)
        return self[key]
