"""Tab "Models": the registry, with the figures of chosen versions side by side.

Places tables; `dashboard.views.models` makes their rows.
"""

from __future__ import annotations

import time
from typing import Any

from nicegui import ui

from dashboard.pages.context import Context, Update
from dashboard.pages.parts import card, empty
from dashboard.pages.promotion import MoveDialog, promotion, rollback
from dashboard.store import VersionRecord
from dashboard.views import text
from dashboard.views.models import RULE, compare, figures_of
from dashboard.views.promotion import CHAMPION, by_force, champion_before, champion_of

AT_FIRST = 3
"""Versions that are compared before somebody has chosen."""


def build(context: Context) -> Update:
    """Place the tab."""
    return ModelsTab(context).update


class ModelsTab:
    """The tab in one page."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._chosen: set[tuple[str, int]] | None = None
        self._shown: object = None
        self._said = ui.label("").classes("wp-note").props('role="status"').mark("models-said")
        self._said.set_visibility(False)
        self._box = ui.element("div").classes("wp-content")
        self._dialog = MoveDialog(context, self._tell)

    def update(self) -> None:
        """Draw the registry anew if it has changed."""
        versions = self._context.store.versions
        runs = [self._context.store.run(version.run_id) for version in versions]
        state = (versions, [run and run.latest for run in runs], self._chosen)
        if state == self._shown:
            return
        self._shown = state
        self._box.clear()
        with self._box:
            if not versions:
                empty("inventory_2", "No registered models yet", "A trained and evaluated model is registered by",
                      "wallpaper register")  # fmt: skip
                return
            for name in dict.fromkeys(version.name for version in versions):
                self._place_model(name, [version for version in versions if version.name == name])
            self._place_comparison(versions)

    def _place_model(self, name: str, versions: list[VersionRecord]) -> None:
        plural = "" if len(versions) == 1 else "s"
        with (
            card(name, f"registered model, {len(versions)} version{plural}; tick those to compare"),
            ui.element("div").classes("wp-scroll"),
            ui.element("table").classes("wp-registry"),
        ):
            with ui.element("thead"), ui.element("tr"):
                for title in ("", "Version", "Aliases", "", "Run", "Registered", "Model"):
                    with ui.element("th"):
                        ui.label(title)
            with ui.element("tbody"):
                for version in versions:
                    self._place_version(version)

    def _place_version(self, version: VersionRecord) -> None:
        run = self._context.store.run(version.run_id)
        key = (version.name, version.version)
        with ui.element("tr").mark(f"version-{version.version}"):
            with ui.element("td"):
                ui.checkbox(value=key in self._compared(), on_change=lambda e: self._tick(key, e.value)).props(
                    f'dense aria-label="Compare version {version.version}"'
                )
            with ui.element("td"):
                ui.label(str(version.version)).classes("wp-fact")
            with ui.element("td"), ui.element("div").classes("wp-chips"):
                for alias in version.aliases:
                    ui.label(alias).classes("wp-badge" + " wp-badge-champion" * (alias == CHAMPION))
                if forced := by_force(version):
                    ui.label("by force").classes("wp-badge wp-badge-forced").tooltip(forced)
            with ui.element("td"):
                self._place_move(version)
            with ui.element("td"):
                if run is None:
                    ui.label(version.run_id[:8] or "–")
                else:
                    ui.button(run.name, on_click=lambda: self._context.choose(version.run_id)).props(
                        "flat dense no-caps"
                    )
            with ui.element("td"):
                ui.label(text.ago(version.created, time.time())).tooltip(text.day_and_time(version.created))
            with ui.element("td"):
                ui.label(version.tags.get("digest", "")[:12]).classes("wp-code")

    def _place_move(self, version: VersionRecord) -> None:
        """What can be done with @champion, where somebody may."""
        mover, versions = self._context.mover, self._context.store.versions
        if mover is None:
            return
        if CHAMPION not in version.aliases:
            words, question, hindered = "Promote", promotion(mover, version, champion_of(version.name, versions)), ""
        elif sum(each.name == version.name for each in versions) > 1:
            words, question = "Roll back", rollback(mover, version)
            hindered = "" if champion_before(version, versions) else "no version was champion before"
        else:
            return
        said = f"{words}… version {version.version}" + (f": {hindered}" if hindered else "")
        with ui.element("span") as box:  # a button that is switched off has no tooltip of its own
            button = ui.button(f"{words}…", on_click=lambda: self._dialog.open(question)).classes("wp-move-button")
        button.props(f'outline dense no-caps aria-label="{said}"').set_enabled(not hindered)
        button.mark(f"{words.lower().replace(' ', '-')}-{version.version}")
        if hindered:
            box.tooltip(f"{hindered.capitalize()} version {version.version}")

    def _tell(self, said: str) -> None:
        """What came of a move; it stays until the next."""
        self._said.set_text(said)
        self._said.set_visibility(bool(said))

    def _place_comparison(self, versions: tuple[VersionRecord, ...]) -> None:
        chosen = [version for version in versions if (version.name, version.version) in self._compared()]
        rows = compare([figures_of(each, self._context.store.run(each.run_id)) for each in chosen])
        with card("Evaluation", RULE):
            if not rows:
                ui.label("None of the chosen versions has an evaluation; wallpaper evaluate makes one.").classes(
                    "wp-about"
                )
                return
            with ui.element("div").classes("wp-scroll"), ui.element("table").classes("wp-registry wp-numbers"):
                with ui.element("thead"), ui.element("tr"):
                    for title in ("", *(f"version {each.version}" for each in chosen)):
                        with ui.element("th"):
                            ui.label(title)
                with ui.element("tbody"):
                    for row in rows:
                        with ui.element("tr"):
                            with ui.element("td"):
                                ui.label(row.title)
                            for place, value in enumerate(row.values):
                                with ui.element("td"):
                                    best = place == row.best
                                    ui.label(f"{'★ ' if best else ''}{text.number(value)}").classes(
                                        "wp-best" if best else ""
                                    )

    def _compared(self) -> set[tuple[str, int]]:
        if self._chosen is not None:
            return self._chosen
        versions = self._context.store.versions
        champions = [version for version in versions if version.aliases]
        first = [*champions, *(each for each in versions if each not in champions)][:AT_FIRST]
        return {(version.name, version.version) for version in first}

    def _tick(self, key: tuple[str, int], ticked: Any) -> None:
        chosen = set(self._compared())
        self._chosen = chosen | {key} if ticked else chosen - {key}
        self.update()
