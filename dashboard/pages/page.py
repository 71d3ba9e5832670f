"""The page: header, banner, status and tabs; tells the tab that is shown when there is news.

Builds each tab when it is first shown; a tab that fails says so and leaves the others alone.
"""

from __future__ import annotations

import inspect
import logging
import time

from nicegui import background_tasks, ui

from dashboard.pages.context import Context, PageClosedError, Update
from dashboard.pages.header import Header
from dashboard.pages.parts import empty
from dashboard.pages.status import Banner, Status
from dashboard.pages.tabs import TABS, Tab
from dashboard.views.runs import first_choice

TICK_SECONDS = 1.0

KNOWN_SECONDS = 15.0
"""In which the store must have heard of the run that an address names."""

CARDS_ON = "loss"
"""The tab above which the status is shown as cards; above the others it is one line."""

_log = logging.getLogger(__name__)


class Page:
    """One browser tab's page."""

    def __init__(self, context: Context, tab: str) -> None:
        """Args: tab: the name of the tab to show first; an unknown one shows the first of all."""
        self._context = context
        context.choose, context.show = self._choose, self.show
        self._tabs = {each.name: each for each in TABS}
        self._name = tab if tab in self._tabs else TABS[0].name
        self._updates: dict[str, Update] = {}
        self._seen: tuple[object, ...] = ()
        self._known_by = time.monotonic() + KNOWN_SECONDS
        self._working = True  # nothing is told to a page that is not whole yet
        ui.link("Skip to the content", "#wp-content").classes("wp-skip")
        self._header = Header(context, self._switch_theme, self._key)
        with ui.element("main").classes("wp-main").props("id=wp-content"):
            self._banner = Banner(context)
            self._status = Status(context)
            self._place_tabs()
        self._working = False
        self._status.slim(slim=self._name != CARDS_ON)
        self._tick()
        ui.timer(TICK_SECONDS, self._tick)

    def show(self, name: str) -> None:
        """Show a tab."""
        self._bar.set_value(name)

    def _place_tabs(self) -> None:
        with ui.tabs(on_change=self._shown).classes("wp-tabs").props("no-caps inline-label align=left") as self._bar:
            for tab in TABS:
                ui.tab(tab.name, label=tab.title, icon=tab.icon).mark(f"tab-{tab.name}")
        with ui.tab_panels(self._bar, value=self._name, animated=False, keep_alive=True).classes("wp-panels"):
            self._panels = {}
            for tab in TABS:
                with ui.tab_panel(tab.name).classes("wp-panel"):
                    self._panels[tab.name] = ui.element("div").classes("wp-content")

    def _tick(self) -> None:
        """Once a second: what tells the time, and the tab if there is news."""
        store = self._context.store
        store.touch()
        self._choose_first()
        self._banner.update()
        self._header.update(self._status.update())
        state = (store.version, self._context.run_id, self._context.theme.name, self._name)
        if state != self._seen and not self._working:
            self._seen = state
            self._working = True
            background_tasks.create(self._refresh(self._tabs[self._name]), name=f"tab {self._name}")

    async def _refresh(self, tab: Tab) -> None:
        panel = self._panels[tab.name]
        try:
            if tab.name not in self._updates:
                with panel:
                    self._updates[tab.name] = tab.build(self._context)
            with panel:
                waiting = self._updates[tab.name]()
                if inspect.isawaitable(waiting):
                    await waiting
        except PageClosedError:
            return
        except Exception as error:
            _log.exception("tab %s could not be shown", tab.name)
            self._updates.pop(tab.name, None)
            panel.clear()
            with panel:
                empty("error_outline", f"{tab.title} cannot be shown", f"{type(error).__name__}: {error}"[:300])
        finally:
            self._working = False

    def _choose_first(self) -> None:
        """Whoever has not chosen gets the run that is worth looking at; one that has just begun is waited for."""
        context = self._context
        if context.run is None and (not context.run_id or time.monotonic() > self._known_by):
            context.run_id = first_choice(context.store.runs)

    def _choose(self, run_id: str) -> None:
        self._context.run_id = run_id
        self._address()
        self._tick()

    def _shown(self) -> None:
        if self._bar.value in (None, self._name):  # also while the page is built
            return
        self._name = str(self._bar.value)
        self._status.slim(slim=self._name != CARDS_ON)
        self._address()
        self._tick()

    def _address(self) -> None:
        ui.navigate.history.replace(f"?tab={self._name}&run={self._context.run_id}")

    def _switch_theme(self) -> None:
        if not self._working:
            self._tick()

    def _key(self, key: str) -> None:
        names = list(self._tabs)
        if key.isdecimal() and 0 < int(key) <= len(names):
            self.show(names[int(key) - 1])
