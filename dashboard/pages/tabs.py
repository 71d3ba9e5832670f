"""The tabs, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dashboard.pages import loss
from dashboard.pages.context import Context, Update


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab; see `dashboard.pages` for what `build` does."""

    name: str
    """In the page's address."""
    title: str
    icon: str
    """Of Google's Material icons, which come with NiceGUI."""
    build: Callable[[Context], Update]


TABS: tuple[Tab, ...] = (Tab("loss", "Loss", "show_chart", loss.build),)
