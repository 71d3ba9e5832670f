"""What a tab is given: the store, the chosen run, the theme, and how to wait for what blocks.

One object for each page in a browser tab; holds no element.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeAlias, TypeVar

from nicegui import app, run

from dashboard.promotion import Mover
from dashboard.store import RunRecord, Store
from dashboard.theme import Palette, palette

Update: TypeAlias = Callable[[], Awaitable[None] | None]
"""Brings a tab up to date; see `dashboard.pages`."""

P = ParamSpec("P")
T = TypeVar("T")


class PageClosedError(RuntimeError):
    """The page or the server is closing: what was waited for is not wanted any more."""


@dataclass(eq=False)
class Context:
    """One page in one browser tab."""

    store: Store
    mover: Mover | None = None
    """Moves aliases; None where nobody may."""
    run_id: str = ""
    """Of the chosen run; empty while there is none."""
    choose: Callable[[str], None] = field(default=lambda _: None)
    """Choose another run, by its id."""
    show: Callable[[str], None] = field(default=lambda _: None)
    """Show another tab, by its name."""
    closed: bool = False
    """Nobody sees the page any more, and its elements are gone."""

    @property
    def run(self) -> RunRecord | None:
        """The chosen run."""
        return self.store.run(self.run_id)

    @property
    def theme(self) -> Palette:
        """The colours of the theme that is switched on."""
        return palette(bool(self.settings.get("dark", True)))

    @property
    def settings(self) -> MutableMapping[str, Any]:
        """What this user has set; it lasts."""
        return app.storage.user

    async def off_loop(self, ask: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The answer of a function that blocks, run in a thread.

        Raises: PageClosedError: the page was closed meanwhile, or the server is stopping; whatever `ask` raises.
        """
        done: list[T] = []  # `io_bound` answers None both for None and when it is cut off

        def work() -> bool:
            done.append(ask(*args, **kwargs))
            return True

        try:
            ended = await run.io_bound(work)
        except Exception as error:
            if self.closed:
                raise PageClosedError("the page is closed") from error
            raise
        if ended is None or self.closed:
            raise PageClosedError("the page is closed, or the server is stopping")
        return done[0]

    def close(self) -> None:
        """Note that nobody sees the page any more."""
        self.closed = True
