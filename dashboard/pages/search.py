"""Tab "Search": the trials of a search, live from their runs.

Places figures and a table; `dashboard.views.search` and `trials` make them.
"""

from __future__ import annotations

import json
import time
from typing import Any

from nicegui import ui

from dashboard.pages.context import Context, Update
from dashboard.pages.parts import LivePlot, card, empty
from dashboard.views import search as views
from dashboard.views.parallel import Brush, brush_of, brushed, lines, needed_width, parallel
from dashboard.views.trials import SEARCH, STATES, Search, influence, search_of, search_shown

IMPORTANCE = "search/figures/importance.json"
"""Left by a search when it ends: what its study says, which knows more than the runs do."""

BRUSHED = """() => {
  const figure = document.querySelector('SELECTOR');
  emit(figure.data[0].dimensions.map((axis) => [axis.label, axis.constraintrange || null]));
}"""
"""Tells what is brushed of every axis, in whatever order they have been dragged to."""


def build(context: Context) -> Update:
    """Place the tab."""
    return SearchTab(context).update


class SearchTab:
    """The tab in one page."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._chosen = ""
        self._states = list(STATES)
        self._importance: tuple[str, dict[str, float]] = ("", {})
        self._table_shown: object = None
        self._brush: Brush = {}
        self._brush_of, self._clears = "", 0
        self._searched: Search | None = None
        self._empty = ui.element("div").classes("w-full")
        with self._empty:
            empty("tune", "No search yet", "A search tries settings of both phases and keeps the best.",
                  "wallpaper search --trials 8")  # fmt: skip
        with ui.element("div").classes("wp-content") as self._cards:
            with ui.element("div").classes("wp-bar"):
                self._select = (
                    ui.select({}, on_change=self._choose)
                    .props("dense outlined options-dense")
                    .classes("wp-search-select")
                )
                self._summary = ui.label("").classes("wp-about").mark("search-summary")
                ui.element("div").classes("wp-space")
                self._filter = (
                    ui.select(
                        list(STATES), multiple=True, value=list(STATES), label="States", on_change=self._set_states
                    )
                    .props("dense outlined options-dense")
                    .classes("wp-state-select")
                    .mark("states")
                )
            self._place_figures()
        self._empty.set_visibility(False)

    def _place_figures(self) -> None:
        height = "300px"
        with ui.element("div").classes("wp-half"):
            with card("History", "each trial's value, and the best so far"):
                self._history = LivePlot(height, "Value of each trial")
            with ui.element("div").classes("wp-stack"):
                with card("Pareto front", "the first two objectives, at each trial's last epoch"):
                    self._front = LivePlot(height, "Pareto front")
                with card("What mattered", "") as controls:
                    with controls:
                        self._kind = ui.label("").classes("wp-about")
                    self._bars = LivePlot(height, "Influence of each setting")
                    self._few = ui.label("").classes("wp-about")
        with ui.element("div").classes("wp-half"):
            with card("Parallel coordinates", "a line for each trial, the best brightest; drag along an axis to pick"):
                with ui.element("div").classes("wp-sideways"):
                    self._parallel = LivePlot("340px", "Settings of each trial")
                script = BRUSHED.replace("SELECTOR", self._parallel.selector)
                self._parallel.answer("plotly_restyle", script, lambda event: self._set_brush(event.args))
                self._few_lines = ui.label("At least two trials that came to a good end are needed.").classes(
                    "wp-about"
                )
            with card("Timeline", "when each trial ran"):
                self._timeline = LivePlot("340px", "When each trial ran")
        with card("Trials", "click a row to show its run") as controls:
            with controls:
                self._picked = ui.label("").classes("wp-about").props('role="status"').mark("brushed")
                self._clear = (
                    ui.button("Clear the brush", icon="filter_alt_off", on_click=self._clear_brush)
                    .props("flat dense no-caps")
                    .mark("clear-brush")
                )
            self._table = (
                ui.table(columns=[], rows=[], row_key="id", pagination={"rowsPerPage": 15, "sortBy": None})
                .classes("wp-table")
                .props("flat dense")
            )
            self._table.on("rowClick", lambda event: self._context.choose(event.args[1]["id"]))

    async def update(self) -> None:
        """Draw the search that belongs to the chosen run, or the newest."""
        runs = self._context.store.runs
        searches = {run.run_id: run.name for run in runs if run.phase == SEARCH}
        self._empty.set_visibility(not searches)
        self._cards.set_visibility(bool(searches))
        shown = self._chosen if self._chosen in searches else search_shown(runs, self._context.run)
        run = self._context.store.run(shown)
        if run is None:
            return
        if self._select.options != searches or self._select.value != shown:
            self._select.set_options(searches, value=shown)
        found = search_of(run, self._context.store.children(shown))
        if not run.is_running:
            await self._read_importance(run.run_id)
        self._draw(found)

    def _draw(self, whole: Search) -> None:
        theme, search = self._context.theme, whole.only(self._states)
        if self._brush_of != search.run_id:
            self._brush_of, self._brush = search.run_id, {}
        self._searched = search
        shown = "all" if len(self._states) == len(STATES) else ", ".join(self._states) or "none"
        self._filter.props(f'display-value="{shown}"')
        self._summary.set_text(views.summary(whole))
        self._history.show(views.history(search, theme))
        drawn = len(lines(search)) > 1
        self._parallel.set_visibility(drawn)
        self._few_lines.set_visibility(not drawn)
        if drawn:
            self._parallel.needs(needed_width(search))
            self._parallel.show(parallel(search, theme, self._brush, self._clears))
        self._timeline.show(views.timeline(search, theme, time.time() // 10 * 10))
        several = len(search.objectives) > 1
        self._front.card_visibility(several)
        if several:
            self._front.show(views.front(search, theme))
        run_id, shares = self._importance
        exported = run_id == search.run_id and bool(shares) and len(search.trials) == len(whole.trials)
        own = shares if exported else influence(search)
        self._kind.set_text("share of the variation (study)" if exported else "|rank correlation| with the objective")
        self._bars.set_visibility(bool(own))
        self._few.set_text("" if own else "At least five trials that came to a good end are needed.")
        if own:
            self._bars.show(views.bars(own, theme, ""))
        self._list_trials(search)

    def _list_trials(self, search: Search) -> None:
        """The table: of what is brushed, if something is."""
        picked = brushed(search, self._brush)
        is_brushed = picked is not search
        self._picked.set_text(f"{len(picked.trials)} of {len(search.trials)} trials, brushed" if is_brushed else "")
        self._clear.set_visibility(is_brushed)
        columns, rows = views.table(search, picked)
        if (columns, rows) != self._table_shown:
            self._table_shown = (columns, rows)
            self._table.columns, self._table.rows = columns, rows

    def _set_brush(self, told: Any) -> None:
        if self._searched is None:
            return
        self._brush = brush_of(self._searched, told)
        self._parallel.took(parallel(self._searched, self._context.theme, self._brush, self._clears))
        self._list_trials(self._searched)

    async def _clear_brush(self) -> None:
        self._brush, self._clears = {}, self._clears + 1
        await self.update()

    async def _read_importance(self, run_id: str) -> None:
        """What the study says of its settings; nothing if the search has left none."""
        if self._importance[0] == run_id:
            return
        self._importance = (run_id, {})
        try:
            path = await self._context.off_loop(self._context.store.file, run_id, IMPORTANCE)
            content = json.loads(await self._context.off_loop(path.read_text, "utf-8"))
            bar: dict[str, Any] = next(iter(content["data"]), {"y": [], "x": []})
            pairs = zip(bar["y"][::-1], bar["x"][::-1], strict=True)
            self._importance = (run_id, {str(name): float(share) for name, share in pairs})
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return

    async def _choose(self, event: Any) -> None:
        if event.value and event.value != self._chosen:
            self._chosen = event.value
            await self.update()

    async def _set_states(self, event: Any) -> None:
        self._states = list(event.value or [])
        await self.update()
