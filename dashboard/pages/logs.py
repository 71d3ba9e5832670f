"""Tab "Logs": what the chosen run tells, line by line.

Places filters and lines; `dashboard.views.logs` makes these of what was recorded.
"""

from __future__ import annotations

from typing import Any

from nicegui import ui

from dashboard.pages.context import Context, Update
from dashboard.pages.parts import card
from dashboard.views.logs import LEVELS, Line, chosen, lines_of

MOST_LINES = 400
"""Every line is an element of the page."""


def build(context: Context) -> Update:
    """Place the tab."""
    return LogsTab(context).update


class LogsTab:
    """The tab in one page."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._kept: dict[str, Any] = context.settings.setdefault("logs", {"levels": list(LEVELS), "follow": True})
        self._lines: list[Line] = []
        self._shown: list[str] = []
        self._cleared: tuple[str, float] = ("", 0.0)
        with card("Log", "one line an epoch, and what the run said meanwhile; newest at the bottom") as controls:
            self._place_controls(controls)
            self._box = ui.scroll_area().classes("wp-log").props('tabindex="0" role="log" aria-label="Log of the run"')
            self._note = ui.label("").classes("wp-about").mark("log-note")

    def _place_controls(self, controls: ui.row) -> None:
        with controls:
            self._search = (
                ui.input(placeholder="Search", on_change=self._draw)
                .props('dense outlined clearable aria-label="Search the log"')
                .classes("wp-log-search")
                .mark("search-log")
            )
            ui.select(
                list(LEVELS), multiple=True, value=self._kept["levels"], label="Levels", on_change=self._levels
            ).props("dense outlined options-dense").classes("wp-level-select").mark("levels")
            ui.switch("Follow", value=self._kept["follow"], on_change=self._follow).props("dense").mark("follow")
            for icon, label, act in (
                ("download", "Save the log", self._save),
                ("clear_all", "Clear the view", self._clear),
            ):
                ui.button(icon=icon, on_click=act).props(f'flat round dense aria-label="{label}"').mark(icon).tooltip(
                    label
                )

    def update(self) -> None:
        """Add what is new."""
        run = self._context.run
        curves = self._context.store.curves(run.run_id) if run else None
        self._lines = lines_of(run, curves) if run is not None and curves is not None else []
        self._draw()

    def _draw(self) -> None:
        run_id, since = self._cleared
        lines = [line for line in self._lines if run_id != self._context.run_id or line.time > since]
        found = chosen(lines, self._kept["levels"], self._search.value or "")
        texts = [str(line) for line in found[-MOST_LINES:]]
        if texts == self._shown and texts:
            return
        new = texts[len(self._shown) :] if texts[: len(self._shown)] == self._shown else None
        if new is None:
            self._box.clear()
            new = texts
        self._shown = texts
        with self._box:
            for line, text in zip(found[len(found) - len(new) :], new, strict=True):
                ui.label(text).classes(f"wp-log-line wp-log-{line.level.lower()}")
        rest = len(found) - len(texts)
        self._note.set_text(self._say(len(found), rest))
        if self._kept["follow"] and new:
            self._box.scroll_to(percent=1.0)

    def _say(self, found: int, rest: int) -> str:
        if not self._lines:
            return "Nothing recorded yet: the first line comes with a run's start."
        if not found:
            return "No line matches; the view was cleared, or change the search or the levels."
        earlier = f"  ·  {rest} earlier ones are in the saved file" if rest else ""
        return f"{found} of {len(self._lines)} lines{earlier}"

    def _levels(self, event: Any) -> None:
        self._kept["levels"] = list(event.value or [])
        self._draw()

    def _follow(self, event: Any) -> None:
        self._kept["follow"] = bool(event.value)
        if event.value:
            self._box.scroll_to(percent=1.0)

    def _clear(self) -> None:
        self._cleared = (self._context.run_id, max((line.time for line in self._lines), default=0.0))
        self._draw()

    def _save(self) -> None:
        run = self._context.run
        content = "\n".join(map(str, self._lines)) + "\n"
        ui.download.content(content.encode(), f"{run.name if run else 'run'}.log", "text/plain")
