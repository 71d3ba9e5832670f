"""Tab "Loss": the loss and its terms, of the chosen run and of others beside it.

Places controls and one figure that streams; `dashboard.views.loss` makes it.
"""

from __future__ import annotations

from typing import Any

from nicegui import ui

from dashboard.pages.context import Context, Update
from dashboard.pages.parts import LivePlot, card, empty
from dashboard.recent import Recent
from dashboard.store import RunRecord
from dashboard.theme import Palette
from dashboard.views import loss, text
from dashboard.views.figure import Figure
from dashboard.views.missing import Missing, no_losses
from dashboard.views.progress import best_name, of_part, parts_of

MOST_COMPARED = 6

MOST_SHARED = 8
"""Figures that are kept for other pages."""


def build(context: Context) -> Update:
    """Place the tab."""
    return LossTab(context).update


class LossTab:
    """The tab in one page."""

    def __init__(self, context: Context) -> None:
        self._context = context
        kept = context.settings.setdefault("loss", {"smoothing": 0.6, "scale": "log", "axis": "epoch"})
        self._kept: dict[str, Any] = kept
        self._part = ""
        self._empty, self._said = ui.element("div").classes("w-full"), Missing("", "")
        with ui.element("div").classes("wp-two") as self._cards:
            with card("Total loss", "training and validation; lower is better", "wp-wide") as controls:
                self._place_controls(controls)
                self._total = LivePlot("min(52vh, 480px)", "Total loss by epoch")
            with card("Terms", "each on its own scale, with its last value"):
                self._terms = LivePlot("min(58vh, 540px)", "Terms of the loss by epoch")
        self._empty.set_visibility(False)

    def _place_controls(self, controls: ui.row) -> None:
        kept = self._kept
        with controls:
            self._parts = ui.toggle([], on_change=self._choose_part).props("dense no-caps").classes("wp-toggle")
            with ui.row().classes("wp-labelled"):
                ui.label("Smoothing").classes("wp-about")
                ui.slider(min=0, max=0.95, step=0.05, value=kept["smoothing"]).props('aria-label="Smoothing"').classes(
                    "wp-slider"
                ).on_value_change(lambda e: self._keep("smoothing", e.value))
            for name, options in (("scale", ["log", "linear"]), ("axis", ["epoch", "time"])):
                ui.toggle(options, value=kept[name], on_change=lambda e, name=name: self._keep(name, e.value)).props(
                    "dense no-caps"
                ).classes("wp-toggle").mark(name)
            self._others = (
                ui.select({}, label="Compare with", multiple=True, with_input=True, on_change=self._compare)
                .props("dense outlined options-dense use-chips")
                .classes("wp-compare")
                .mark("compare")
            )

    def update(self) -> None:
        """Draw what is known of the chosen run and of those beside it."""
        run = self._context.run
        curves = self._context.store.curves(run.run_id) if run else None
        if run is not None and curves is None:
            return  # not read yet: the skeletons stay
        parts = parts_of(curves or {})
        self._empty.set_visibility(not parts)
        self._cards.set_visibility(bool(parts))
        if run is None or not parts:
            self._say(no_losses(run))
            return
        self._show_parts(parts)
        self._show_others(run)
        trainings = self._trainings(run)
        choice = loss.Choice(float(self._kept["smoothing"]), self._kept["scale"] == "log", self._kept["axis"] == "time")
        total, terms = _SHARED.figures(trainings, choice, self._context.theme)
        self._total.show(total)
        self._terms.show(terms)

    def _say(self, missing: Missing) -> None:
        if missing == self._said:
            return
        self._said = missing
        self._empty.clear()
        with self._empty, empty("show_chart", missing.title, missing.reason, missing.typed):
            if missing.tab:
                ui.button(f"Open {missing.tab.capitalize()}", on_click=lambda: self._context.show(missing.tab)).props(
                    "flat dense no-caps"
                )

    def _trainings(self, run: RunRecord) -> list[loss.Training]:
        """The chosen one first, then those compared with it whose curves are known."""
        found = []
        for run_id in [run.run_id, *(self._others.value or [])]:
            other, curves = self._context.store.run(run_id), self._context.store.curves(run_id)
            if other is None or curves is None:
                continue
            parts = parts_of(curves)
            part = self._part if self._part in parts else next(iter(parts), "")
            own = of_part(curves, part)
            if own:
                name = f"{other.name} {part}".strip()
                found.append(loss.Training(name, own, other.started, best_name(own, other.settings)))
        return found

    def _show_parts(self, parts: list[str]) -> None:
        if self._part not in parts:
            self._part = parts[-1]
        names = {part: part.upper() or "Run" for part in parts}
        if self._parts.options != names:
            self._parts.set_options(names, value=self._part)
        self._parts.set_visibility(len(parts) > 1)

    def _show_others(self, run: RunRecord) -> None:
        options = {
            other.run_id: f"{other.name}  ·  {text.phase(other.phase)}"
            for other in self._context.store.runs
            if other.run_id != run.run_id and parts_of(other.latest)
        }
        if self._others.options != options:
            chosen = [run_id for run_id in self._others.value or [] if run_id in options]
            self._others.set_options(options, value=chosen)
        self._others.set_visibility(bool(options))

    def _choose_part(self, event: Any) -> None:
        if event.value is not None and event.value != self._part:
            self._part = event.value
            self.update()

    def _keep(self, name: str, value: Any) -> None:
        self._kept[name] = value
        self.update()

    def _compare(self, event: Any) -> None:
        if len(event.value or []) > MOST_COMPARED:
            self._others.set_value(event.value[:MOST_COMPARED])
            ui.notify(f"At most {MOST_COMPARED} runs are compared")
        self.update()


class Shared:
    """The figures drawn last, one for all browsers that look at the same: those of a long training are large, and
    twenty pages would else make and hold each of them twenty times."""

    def __init__(self) -> None:
        self._kept: Recent[tuple[Any, ...], tuple[list[loss.Training], Figure, Figure]] = Recent(MOST_SHARED)

    def figures(self, trainings: list[loss.Training], choice: loss.Choice, theme: Palette) -> tuple[Figure, Figure]:
        """Total and terms. Nobody may change them."""
        key = (tuple((each.name, each.started, each.best_name) for each in trainings), choice, theme.name)
        if key not in self._kept or not _are_same(self._kept[key][0], trainings):
            total, terms = loss.total(trainings, choice, theme), loss.components(trainings[0], choice, theme)
            self._kept[key] = (trainings, total, terms)  # of a run that goes on, the last only
        return self._kept.use(key)[1:]


def _are_same(drawn: list[loss.Training], now: list[loss.Training]) -> bool:
    """Whether nothing is new. Curves never change: what is new is another object."""
    return all(
        one.curves.keys() == other.curves.keys() and all(one.curves[name] is other.curves[name] for name in one.curves)
        for one, other in zip(drawn, now, strict=True)
    )


_SHARED = Shared()
