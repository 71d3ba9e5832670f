"""The tabs, in the order in which they are shown.

A table and nothing else: to add a tab, add a row; see `dashboard.pages`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dashboard.pages import groups, latent, logs, loss, models, overview, reconstructions, search, transitions
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


TABS: tuple[Tab, ...] = (
    Tab("overview", "Overview", "dashboard", overview.build),
    Tab("loss", "Loss", "show_chart", loss.build),
    Tab("latent", "Latent space", "scatter_plot", latent.build),
    Tab("reconstructions", "Reconstructions", "compare", reconstructions.build),
    Tab("transitions", "Transitions", "animation", transitions.build),
    Tab("groups", "Groups", "grid_view", groups.build),
    Tab("search", "Search", "tune", search.build),
    Tab("models", "Models", "inventory_2", models.build),
    Tab("logs", "Logs", "subject", logs.build),
)
