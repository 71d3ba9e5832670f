"""The strip of figures about the chosen run, and the banner that says when the store does not answer.

Words and numbers come from `dashboard.views.progress`.
"""

from __future__ import annotations

import time

from nicegui import ui

from dashboard.pages.context import Context
from dashboard.views import text
from dashboard.views.progress import Progress, liveness, of_part, parts_of, progress
from dashboard.views.trials import SEARCH
from wallpaper.store_address import without_passwords


class Banner:
    """Shown while the store does not answer; what was last known stays below it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        with ui.element("div").classes("wp-banner").props('role="alert"').mark("banner") as self._box:
            ui.icon("cloud_off").props('aria-hidden="true"').classes("wp-banner-icon")
            with ui.element("div").classes("wp-banner-text"):
                self._title = ui.label("").classes("wp-h2")
                self._about = ui.label("").classes("wp-about")
            ui.button("Retry now", on_click=context.store.retry).props("outline no-caps color=secondary").mark("retry")
        self._box.set_visibility(False)

    def update(self) -> None:
        """Say how it is now; called each second, for the time until the next attempt."""
        state, store = self._context.store.connection, self._context.store
        self._box.set_visibility(bool(state.error))
        if not state.error:
            return
        now = time.time()
        wait = max(0, round(state.retry_at - now))
        data = (
            f"showing what was known at {text.clock(state.answered)}, {text.ago(state.answered, now)}"
            if state.answered
            else "start its server, or say where it is with --tracking-uri"
        )
        self._title.set_text(f"The tracking store does not answer: {without_passwords(store.uri)}")
        self._about.set_text(f"{state.error[:160]}  ·  {data}  ·  " + (f"next try in {wait} s" if wait else "trying"))


class Status:
    """Epoch, loss, best validation, learning rate and time left: cards, or one slim line."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._figures: dict[str, tuple[ui.label, ui.label, ui.label]] = {}
        with ui.element("div").classes("wp-status").props('role="group" aria-label="Training status"') as self._box:
            with ui.element("div").classes("wp-kpi wp-kpi-epoch"):
                self._place("epoch", "Epoch")
                self._bar = ui.linear_progress(0.0, show_value=False, size="6px").props(
                    'aria-label="Epochs done" instant-feedback'
                )
            for name, title in (
                ("loss", "Total loss"),
                ("best", "Best val."),
                ("rate", "Learn. rate"),
                ("left", "Time left"),
            ):
                with ui.element("div").classes(f"wp-kpi wp-kpi-{name}"):
                    self._place(name, title)

    def _place(self, name: str, title: str) -> None:
        heading = ui.label(title).classes("wp-kpi-title")
        value = ui.label("–").classes("wp-kpi-value").mark(f"status-{name}")
        about = ui.label("").classes("wp-about wp-kpi-about").mark(f"status-{name}-about")
        self._figures[name] = (value, about, heading)

    def slim(self, *, slim: bool) -> None:
        """One line instead of cards."""
        self._box.classes(add="wp-slim" if slim else "", remove="" if slim else "wp-slim")

    def update(self) -> str:
        """Say how the chosen run stands now. Returns: how it is, in a word."""
        run = self._context.run
        connected = not self._context.store.connection.error
        if run is None:
            self._box.set_visibility(False)
            return "waiting" if connected else "offline"
        curves = self._context.store.curves(run.run_id) or {}
        part = (parts_of(curves) or [""])[-1]
        known = progress(run, of_part(curves, part))
        self._box.set_visibility(known.loss is not None or (run.is_running and run.phase != SEARCH))
        state = liveness(run, time.time(), connected=connected, epoch_seconds=known.epoch_seconds)
        self._show(known, state, run.ended and run.ended - run.started)
        return state

    def _show(self, known: Progress, state: str, took: float | None) -> None:
        of = f" / {known.epochs}" if known.epochs else ""
        self._say("epoch", f"{known.epoch}{of}", f"{known.share:.0%}" if known.epochs else "")
        self._bar.set_value(known.share)
        change = ""
        if known.change is not None:
            change = f"{'▼' if known.change < 0 else '▲'} {text.number(abs(known.change))} over 10 epochs"
        self._say("loss", text.number(known.loss), change)
        since = "" if known.best_epoch is None else f"epoch {known.best_epoch}"
        past = known.epoch - (known.best_epoch or 0)
        since += f", {past} ago" if since and past else ""
        name = "" if known.best_name == "val/loss" else f"  ·  {known.best_name.removeprefix('val/')}"
        self._say("best", text.number(known.best), since + name)
        rate = "–" if known.learning_rate is None else f"{known.learning_rate:.1e}".replace("0.0e+00", "0")
        self._say("rate", rate, "")
        left = known.left if state in ("live", "stale", "offline") else None
        self._figures["left"][2].set_text("State" if left is None else "Time left")
        each = f"{text.duration(known.epoch_seconds)} an epoch" if known.epoch_seconds is not None else ""
        if left is not None:
            ends = f"  ·  ends {text.clock(time.time() + left)[:5]}" if state == "live" else ""
            self._say("left", text.duration(left), each + ends)
        else:
            self._say("left", state.capitalize(), f"took {text.duration(took)}" if took else each)

    def _say(self, name: str, value: str, about: str) -> None:
        own_value, own_about, _ = self._figures[name]
        own_value.set_text(value)
        own_about.set_text(about)
