"""Tab "Overview": what is going on, what ended last, the champions, and a gallery.

Places cards; `dashboard.views.overview` says what is on them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from nicegui import ui

from dashboard.pages.context import Context, Update
from dashboard.pages.parts import card, command, empty
from dashboard.store import RunRecord
from dashboard.store.artifacts import address
from dashboard.views import overview, text
from dashboard.views.epochs import epochs_of
from dashboard.views.models import compare, figures_of
from dashboard.views.runs import state_of
from wallpaper.epoch_pictures.places import VISUALIZATIONS, epoch_folder

LOOKED_THROUGH = 12
"""Runs that are asked for pictures, the newest first."""


def build(context: Context) -> Update:
    """Place the tab."""
    return OverviewTab(context).update


class OverviewTab:
    """The tab in one page."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._shown: dict[str, object] = {}
        self._looked: object = None
        self._empty = ui.element("div").classes("w-full")
        with self._empty:
            empty("rocket_launch", "No runs yet", "Everything that is trained, searched or registered appears here.",
                  "wallpaper demo")  # fmt: skip
        with ui.element("div").classes("wp-content") as self._cards:
            with ui.element("div").classes("wp-half"):
                with card("Going on", "runs that train or search now"):
                    self._going = ui.element("div").classes("wp-list").mark("going")
                with card("Champions", "registered models that are served"):
                    self._champions = ui.element("div").classes("wp-list").mark("champions")
            with card("Gallery", "what the newest model makes") as controls:
                with controls:
                    self._from = ui.label("").classes("wp-about")
                self._gallery = ui.element("div").classes("wp-gallery").mark("gallery")
            with card("Ended last"):
                self._recent = ui.element("div").classes("wp-list").mark("recent")
        self._empty.set_visibility(False)

    async def update(self) -> None:
        """Draw what has changed."""
        runs = self._context.store.runs
        asked = self._context.store.connection.answered is not None
        self._empty.set_visibility(asked and not runs)
        self._cards.set_visibility(bool(runs))
        self._show_runs(self._going, "going", overview.going(runs), "Nothing is running.")
        self._show_runs(self._recent, "recent", overview.recent(runs), "No run has ended yet.")
        self._show_champions()
        await self._show_gallery(runs)

    def _show_runs(self, box: ui.element, name: str, found: list[overview.Going], nothing: str) -> None:
        state = [(each, state_of(each.run, time.time())) for each in found]
        if self._shown.get(name) == state:
            return
        self._shown[name] = state
        box.clear()
        with box:
            if not found:
                ui.label(nothing).classes("wp-about")
            for each in found:
                self._place_run(each)

    def _place_run(self, each: overview.Going) -> None:
        run, now = each.run, time.time()
        with ui.element("button").classes("wp-run").on("click", lambda: self._open(run)).mark(f"overview-{run.run_id}"):
            ui.element("span").classes(f"wp-dot wp-{state_of(run, now)}").props('aria-hidden="true"')
            with ui.element("span").classes("wp-run-text"):
                ui.label(run.name).classes("wp-picker-name")
                ended = text.ago(run.ended or run.started, now)
                about = [text.phase(run.phase), state_of(run, now), *([] if run.is_running else [ended])]
                ui.label("  ·  ".join(about)).classes("wp-about")
            with ui.element("span").classes("wp-run-figures"):
                if each.loss is not None:
                    ui.label(f"loss {text.number(each.loss)}")
                    of = f"/{each.epochs}" if each.epochs else ""
                    ui.label(f"epoch {each.epoch}{of}").classes("wp-about")
            if run.is_running and each.epochs:
                ui.linear_progress(each.share, show_value=False, size="4px").classes("wp-run-bar").props(
                    'aria-label="Epochs done" instant-feedback'
                )

    def _show_champions(self) -> None:
        found = overview.champions(self._context.store.versions)
        figures = [figures_of(each, self._context.store.run(each.run_id)) for each in found]
        if self._shown.get("champions") == (found, figures):
            return
        self._shown["champions"] = (found, figures)
        self._champions.clear()
        with self._champions:
            if not found:
                ui.label("No registered model yet: a trained and evaluated one is registered by").classes("wp-about")
                command("wallpaper register")
            for version, known in zip(found, figures, strict=True):
                with ui.element("button").classes("wp-run").on("click", lambda: self._context.show("models")):
                    ui.icon("emoji_events").classes("wp-trophy").props('aria-hidden="true"')
                    with ui.element("span").classes("wp-run-text"):
                        ui.label(f"{version.name}, version {version.version}").classes("wp-picker-name")
                        aliases = ", ".join(version.aliases) or "no alias"
                        ui.label(f"{aliases}  ·  {text.ago(version.created, time.time())}").classes("wp-about")
                with ui.element("div").classes("wp-facts"):
                    for row in compare([known])[:6]:
                        ui.label(row.title).classes("wp-about")
                        ui.label(text.number(row.values[0])).classes("wp-fact")

    async def _show_gallery(self, runs: Sequence[RunRecord]) -> None:
        asked = overview.drawn(runs)[:LOOKED_THROUGH]
        state = [(run.run_id, run.status, run.last_told // 30) for run in asked]
        if state == self._looked:
            return
        self._looked = state
        run, paths = await self._context.off_loop(self._find_pictures, asked)
        if self._shown.get("gallery") == paths and paths:
            return
        self._shown["gallery"] = paths
        self._gallery.clear()
        self._from.set_text(f"{run.name}  ·  {paths[0].split('/')[1].replace('_', ' ')}" if run else "")
        with self._gallery:
            if run is None:
                ui.label("No run has left pictures yet; a training draws them every few epochs.").classes("wp-about")
                return
            for path in paths:
                moves = path.endswith(".gif")  # the others are sheets, of which nothing may be cut off
                with ui.element("figure").classes("wp-shown" if moves else "wp-shown wp-still"):
                    ui.image(address(run.run_id, path)).props(
                        f'alt="{overview.title_of(path)}" fit={"cover" if moves else "contain"}'
                    ).classes("wp-thumb")
                    with ui.element("figcaption"):
                        ui.label(overview.title_of(path)).classes("wp-about")

    def _find_pictures(self, runs: Sequence[RunRecord]) -> tuple[RunRecord | None, list[str]]:
        """The newest run that has left transitions, or else other pictures, and these. Blocks."""
        store = self._context.store
        epochs = [
            (run, epoch_folder(epoch))
            for run in runs
            for epoch in epochs_of(store.files(run.run_id, VISUALIZATIONS))[:-3:-1]
        ]
        places = [*((run, f"{folder}/transitions") for run, folder in epochs), *epochs]
        for run, folder in places:
            if paths := overview.pictures(store.files(run.run_id, folder)):
                return run, paths
        return None, []

    def _open(self, run: RunRecord) -> None:
        self._context.choose(run.run_id)
        self._context.show("search" if run.phase == "search" else "loss")
