"""Elements that several tabs share: cards, empty states, skeletons, safe links, and figures that stream.

Knows no run and no metric; text from a store goes through here as text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from nicegui import ui

from dashboard.pages.context import Context
from dashboard.views.figure import Figure

MOST_PARTS = 6
"""Runs of which a run consists that are offered in its place."""


@contextmanager
def card(title: str, about: str = "", classes: str = "") -> Iterator[ui.row]:
    """A card with a heading; yields the row at its right for controls. What follows inside goes below."""
    with ui.element("section").classes(f"wp-card {classes}"):
        with ui.element("div").classes("wp-card-head"):
            with ui.element("div").classes("wp-card-title"):
                ui.label(title).classes("wp-h2").props('role="heading" aria-level="2"')
                if about:
                    ui.label(about).classes("wp-about")
            controls = ui.row().classes("wp-controls")
        yield controls


def empty(icon: str, title: str, reason: str, typed: str = "") -> ui.element:
    """Why there is nothing to see, and what to type so that there will be."""
    with ui.element("div").classes("wp-empty") as element:
        ui.icon(icon).classes("wp-empty-icon").props('aria-hidden="true"')
        ui.label(title).classes("wp-empty-title")
        ui.label(reason).classes("wp-about")
        if typed:
            command(typed)
    return element


def command(text: str) -> None:
    """What to type in a terminal, to be copied."""
    with ui.element("div").classes("wp-command"):
        ui.label(text).classes("wp-code")
        ui.button(icon="content_copy", on_click=lambda: _copy(text)).props(
            'flat dense round size=sm aria-label="Copy the command"'
        )


def no_pictures(context: Context, icon: str, title: str) -> None:
    """Why the chosen run has no pictures of its epochs, and where to find some: it, or what it consists of."""
    run = context.run
    going = run is not None and run.is_running
    reason = (
        "The first set is drawn after some epochs (--log-every), beside the training; this page looks by itself."
        if going
        else "The chosen run left no pictures of its epochs. A training draws them every few epochs."
    )
    with empty(icon, title, reason, "" if going else "wallpaper train-ode --train-vae-if-missing true --log-every 5"):
        others = context.store.children(run.run_id) if run else []
        for other in others[:MOST_PARTS]:
            ui.button(f"Show {other.name}", on_click=lambda run_id=other.run_id: context.choose(run_id)).props(
                "flat dense no-caps"
            )


def skeleton(height: int) -> ui.skeleton:
    """A quiet box of the height of what will come."""
    return ui.skeleton(height=f"{height}px", width="100%").classes("wp-skeleton")


def link(text: str, target: str) -> ui.element:
    """A link that opens beside the page if its address is http(s); else plain text."""
    if urlsplit(target).scheme not in ("http", "https"):
        return ui.label(text)
    return ui.link(text, target, new_tab=True).props('rel="noopener noreferrer"')


class LivePlot:
    """A figure that is sent whole once, and then only what is new of it.

    If all traces still begin with what was shown, the new points are sent; a trace of which more has changed is
    replaced; the whole figure is drawn anew only if its traces or its layout are others. Zoom is kept in each case.
    """

    def __init__(self, height: str, label: str) -> None:
        """Args: height: at least, as CSS. label: what a screen reader says of it."""
        self._shown: Figure | None = None
        self._plot: ui.plotly | None = None
        self._is_drawn = False
        self._handlers: list[tuple[str, str, Callable[[Any], Any] | None]] = []
        self._label = label
        self._card = ui.context.slot.parent
        self._box = ui.element("div").classes("wp-plot").style(f"min-height: {height}")
        with self._box:
            ui.skeleton(height="100%", width="100%").classes("wp-skeleton")

    def answer(self, event: str, script: str, then: Callable[[Any], Any] | None = None) -> None:
        """Let the browser answer one of Plotly's events. Args: then: called with what the script emits."""
        self._handlers.append((event, script, then))

    @property
    def selector(self) -> str:
        """By which a script finds the figure."""
        return f"#c{self._box.id} .js-plotly-plot"

    def took(self, new: Figure) -> None:
        """The browser has made the figure so by itself: nothing is sent."""
        self._shown = new
        if self._plot is not None:
            self._plot.figure = new

    def set_visibility(self, visible: bool) -> None:
        """Show or hide it."""
        self._box.set_visibility(visible)

    def needs(self, width: int) -> None:
        """Be no narrower, in pixels; what it is in scrolls sideways then."""
        self._box.style(f"min-width: {width}px")

    def card_visibility(self, visible: bool) -> None:
        """Show or hide the card that it is in."""
        self._card.set_visibility(visible)

    def show(self, new: Figure) -> None:
        """Bring the figure up to date."""
        old, self._shown = self._shown, new
        if self._plot is None:
            self._box.clear()
            with self._box:
                self._plot = ui.plotly(new).classes("wp-figure").props(f'role="figure" aria-label="{self._label}"')
            for event, script, then in self._handlers:
                self._plot.on(event, then, js_handler=script)
            # Plotly is loaded with the first figure; what is sent to it alone before that would be lost.
            self._plot.on("plotly_afterplot", self._set_drawn, args=[], throttle=3600, trailing_events=False)
            return
        assert old is not None
        if old == new:
            return
        steps = difference(old, new) if self._is_drawn else None
        if steps is None:
            self._plot.update_figure(new)
            return
        self._plot.figure = new
        for method, *arguments in steps:
            self._plot.run_plot_method(method, *arguments)

    def _set_drawn(self) -> None:
        self._is_drawn = True


def difference(old: Figure, new: Figure) -> list[tuple[Any, ...]] | None:
    """Plotly's methods, with their arguments, that make one figure of another; None if it must be drawn anew."""
    before, after = old["data"], new["data"]
    if len(before) != len(after) or old["layout"] | _NOTES != new["layout"] | _NOTES:
        return None
    extended: list[int] = []
    replaced: list[int] = []
    for place, (was, now) in enumerate(zip(before, after, strict=True)):
        if was == now:
            continue
        if "x" not in was or {**was, "x": 0, "y": 0} != {**now, "x": 0, "y": 0}:
            return None
        n = len(was["x"])
        grown = 0 < n < len(now["x"]) and now["x"][:n] == was["x"] and now["y"][:n] == was["y"]
        (extended if grown else replaced).append(place)
    steps: list[tuple[Any, ...]] = []
    if extended:
        tails = {key: [after[p][key][len(before[p]["x"]) :] for p in extended] for key in ("x", "y")}
        steps.append(("extendTraces", tails, extended))
    if replaced:
        steps.append(("restyle", {key: [after[p][key] for p in replaced] for key in ("x", "y")}, replaced))
    if old["layout"].get("annotations") != new["layout"].get("annotations"):
        steps.append(("relayout", {"annotations": new["layout"].get("annotations", [])}))
    return steps


_NOTES: Figure = {"annotations": None}
"""What of a layout can be changed alone."""


def _copy(text: str) -> None:
    ui.clipboard.write(text)
    ui.notify("Copied")
