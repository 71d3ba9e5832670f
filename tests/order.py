"""Which test runs where, and when, if several processes share the work.

Files stay whole, and folders whose tests use one server: what takes seconds to begin is then begun once.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/dashboard/browser/", "tests/serving/")
"""Folders with a server for all their tests."""


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """A process gets a file or one of the folders, and the next when it is almost done."""

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid.split("::", 1)[0])


def longest_first(items: list[pytest.Item]) -> None:
    """Files with tests that may take minutes, then folders: nobody waits for them in the end."""

    def patience(marks: Iterable[pytest.Mark]) -> float:
        return max((float(mark.args[0]) for mark in marks), default=0.0)

    items.sort(key=lambda item: (-patience(item.iter_markers("timeout")), not item.nodeid.startswith(TOGETHER)))
