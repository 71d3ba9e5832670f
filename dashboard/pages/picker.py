"""The run picker in the header: search as you type, with each run's phase and state.

`dashboard.views.runs` decides what matches and in which order.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from nicegui import ui

from dashboard.pages.context import Context
from dashboard.store import RunRecord
from dashboard.views import text
from dashboard.views.runs import matching, state_of

MOST_SHOWN = 60


class Picker:
    """A button that says which run is shown, and a menu to choose another."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._shown: list[tuple[str, str, str]] = []
        with ui.button(color=None).props('flat no-caps aria-haspopup="dialog"').classes("wp-picker").mark("picker"):
            with ui.element("span").classes("wp-picker-text"):
                self._name = ui.label("No runs yet").classes("wp-picker-name")
                self._phase = ui.label("").classes("wp-about")
            ui.icon("expand_more").props('aria-hidden="true"')
            about = 'no-parent-event-x fit role="dialog" aria-label="Choose a run"'  # a search and a list are no menu
            with ui.menu().props(about).classes("wp-picker-menu") as self._menu:
                self._search = (
                    ui.input(placeholder="Search runs: name, phase, state, setting=value")
                    .props('dense outlined clearable autofocus aria-label="Search runs"')
                    .classes("wp-picker-search")
                    .on("click.stop", lambda: None)
                    .on_value_change(self._fill)
                    .mark("search-runs")
                )
                self._list = ui.element("div").classes("wp-picker-list").props('role="listbox" aria-label="Runs"')
                self._more = ui.label("").classes("wp-about wp-picker-more")
        self._menu.on("show", self._fill)
        self._search.on("keydown.enter", self._choose_first)

    def open(self) -> None:
        """Show the menu, as the key R does."""
        self._menu.open()

    def update(self) -> None:
        """Show the chosen run's name; the list only while it is open."""
        run = self._context.run
        self._name.set_text(run.name if run else "No runs yet")
        self._phase.set_text(text.phase(run.phase) if run else "")
        if self._menu.value:
            self._fill()

    def _found(self) -> Sequence[RunRecord]:
        return matching(self._context.store.runs, self._search.value or "")

    def _fill(self) -> None:
        now, found = time.time(), self._found()
        rows = [(run.run_id, state_of(run, now), text.ago(run.started, now)) for run in found[:MOST_SHOWN]]
        rest = len(found) - len(rows)
        self._more.set_text(f"and {rest} more: type to narrow" if rest else "" if found else "No run matches")
        if rows == self._shown:
            return
        self._shown = rows
        self._list.clear()
        with self._list:
            for run, (_, state, age) in zip(found, rows, strict=False):
                self._place_row(run, state, age)

    def _place_row(self, run: RunRecord, state: str, age: str) -> None:
        chosen = run.run_id == self._context.run_id
        with (
            ui.element("button")
            .classes("wp-picker-row" + " wp-chosen" * chosen)
            .props(f'role="option" aria-selected="{str(chosen).lower()}"')
            .on("click", lambda run_id=run.run_id: self._choose(run_id))
            .mark(f"run-{run.run_id}")
        ):
            ui.element("span").classes(f"wp-dot wp-{state}").props('aria-hidden="true"')
            with ui.element("span").classes("wp-picker-text"):
                ui.label(run.name).classes("wp-picker-name")
                ui.label(f"{text.phase(run.phase)}  ·  {state}  ·  {age}").classes("wp-about")

    def _choose_first(self) -> None:
        found = self._found()
        if found:
            self._choose(found[0].run_id)

    def _choose(self, run_id: str) -> None:
        self._menu.close()
        self._context.choose(run_id)
