"""Tab "Latent space": where the 17 groups lie, epoch by epoch.

Places controls and one figure; `dashboard.views.latent` makes it.
"""

from __future__ import annotations

from typing import Any

from nicegui import background_tasks, ui

from dashboard.pages.context import Context, Update
from dashboard.pages.epochs import Epochs
from dashboard.pages.parts import LivePlot, card, no_pictures
from dashboard.store.artifacts import address
from dashboard.theme import mark_colour
from dashboard.views import latent, text
from dashboard.views.epochs import LATENT_DATA, LATENT_PATTERNS, LATENT_PICTURE, names_in
from wallpaper.epoch_pictures.places import VISUALIZATIONS, epoch_folder
from wallpaper.pictures.colours import BY_ROTATION, MARKS
from wallpaper.plane import PLANE_GROUPS

WANTED = frozenset({LATENT_DATA, LATENT_PICTURE})

ORDERS = {1: "No rotation", 2: "2-fold", 3: "3-fold", 4: "4-fold", 6: "6-fold"}

GLYPHS = {"circle": "●", "diamond": "◆", "triangle": "▲", "square": "■", "hexagon": "⬢"}


AXES = {"0,1": "axes 1 · 2", "0,2": "1 · 3", "1,2": "2 · 3"}
"""Pairs of the principal axes that a run has left."""


def build(context: Context) -> Update:
    """Place the tab."""
    return LatentTab(context).update


class LatentTab:
    """The tab in one page."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._kept: dict[str, Any] = context.settings.setdefault("latent", {"paths": True, "clusters": True})
        self._only: set[str] = set()
        self._cloud: tuple[tuple[str, int], latent.Cloud] | None = None
        self._chips: dict[str, ui.button] = {}
        self._empty = ui.element("div").classes("w-full")
        with ui.element("div").classes("wp-two wp-side") as self._cards:
            with card("Latent space", "", "wp-wide") as controls:
                with controls:
                    self._about = ui.label("").classes("wp-about").mark("latent-about")
                    self._switches = [
                        ui.switch(
                            title, value=self._kept[name], on_change=lambda e, name=name: self._keep(name, e.value)
                        )
                        .props("dense")
                        .mark(name)
                        for name, title in (("paths", "Paths"), ("clusters", "Clusters"))
                    ]
                    self._axes = (
                        ui.toggle(
                            AXES, value=self._kept.get("axes", "0,1"), on_change=lambda e: self._keep("axes", e.value)
                        )
                        .props('dense no-caps aria-label="Principal axes"')
                        .classes("wp-toggle")
                        .mark("axes")
                    )
                self._plot = LivePlot("min(60vh, 580px)", "Latent points of the 17 groups")
                self._place_hover()
                self._picture = ui.image("").props('alt="Latent points of the 17 groups"').classes("wp-picture")
                self._epochs = Epochs(context, WANTED, lambda: background_tasks.create(self.update(), name="epoch"))
            with card("Groups", "shape tells the order of rotation; click to isolate"):
                self._place_groups()
                self._metrics = ui.element("div").classes("wp-facts")
        self._picture.set_visibility(False)

    def _place_hover(self) -> None:
        """Pointing at a point shows its pattern, cut from the sheet by the browser alone."""
        self._hover = ui.element("div").classes("wp-hover-tile").props('aria-hidden="true"').mark("hover-tile")
        for event in ("plotly_hover", "plotly_unhover"):
            self._plot.answer(event, f"(e) => wpLatent.{event.removeprefix('plotly_')}(e, 'c{self._hover.id}')")

    def _place_groups(self) -> None:
        for order, title in ORDERS.items():
            ui.label(title).classes("wp-about")
            with ui.element("div").classes("wp-chips"):
                for name in BY_ROTATION:
                    if PLANE_GROUPS[name].rotation_order == order:
                        self._place_chip(name)
        self._all = ui.button("Show all", on_click=self._show_all).props("flat dense no-caps").mark("show-all")
        self._all.set_visibility(False)

    def _place_chip(self, name: str) -> None:
        with (
            ui.button(color=None, on_click=lambda: self._toggle(name))
            .props(f'flat no-caps aria-pressed="false" aria-label="Isolate {name}"')
            .classes("wp-chip")
            .mark(f"group-{name}") as self._chips[name]
        ):
            ui.label(GLYPHS[MARKS[name].shape]).classes("wp-glyph").props('aria-hidden="true"')
            ui.label(name)

    async def update(self) -> None:
        """Draw the chosen epoch: from its data, or the picture of it where a run left no data."""
        epoch = await self._epochs.update()
        self._cards.set_visibility(epoch is not None)
        self._empty.clear()
        if epoch is None:
            with self._empty:
                no_pictures(self._context, "scatter_plot", "No latent space yet")
            return
        names = names_in(await self._epochs.files())
        run_id, folder = self._context.run_id, epoch_folder(epoch)
        has_data = LATENT_DATA in names
        self._plot.set_visibility(has_data)
        for switch in self._switches:
            switch.set_visibility(has_data)
        self._picture.set_visibility(not has_data and LATENT_PICTURE in names)
        if not has_data:
            drawn = LATENT_PICTURE in names
            self._about.set_text("the run left a picture, and no points" if drawn else f"epoch {epoch} was not drawn")
            self._axes.set_visibility(False)
            self._picture.set_source(address(run_id, f"{folder}/{LATENT_PICTURE}"))
            return
        if self._cloud is None or self._cloud[0] != (run_id, epoch):
            path = await self._context.off_loop(self._context.store.file, run_id, f"{folder}/{LATENT_DATA}")
            content = await self._context.off_loop(path.read_text, "utf-8")
            self._cloud = ((run_id, epoch), latent.read_cloud(content))
        beside = await self._context.off_loop(self._context.store.files, run_id, VISUALIZATIONS)
        sheet = LATENT_PATTERNS if any(file.path == LATENT_PATTERNS for file in beside) else ""
        self._offer_patterns(run_id, sheet, self._cloud[1].columns)
        self._draw()

    def _offer_patterns(self, run_id: str, sheet: str, columns: int) -> None:
        """Tell the browser where the sheet of patterns is, if there is one."""
        if sheet and columns > 0:
            self._hover.props(f'data-sheet="{address(run_id, sheet).lstrip("/")}" data-columns="{columns}"')
        else:
            self._hover.props(remove="data-sheet data-columns")

    def _draw(self) -> None:
        if self._cloud is None:
            return
        cloud, theme = self._cloud[1], self._context.theme
        right, up = map(int, self._axes.value.split(","))
        choice = latent.Choice(self._kept["paths"], self._kept["clusters"], frozenset(self._only), (right, up))
        self._plot.show(latent.cloud_figure(cloud, choice, theme))
        self._switches[0].set_visibility(bool(cloud.paths))
        self._axes.set_visibility(len(cloud.axes) > 2)
        flat = "" if cloud.dimensions <= 2 else f"  ·  two principal axes of {cloud.dimensions} dimensions"
        self._about.set_text(f"{cloud.size:,} held-out patterns{flat}")
        self._metrics.clear()
        with self._metrics:
            for name, value in cloud.metrics.items():
                ui.label(name.removeprefix("latent/").replace("_", " ").capitalize()).classes("wp-about")
                ui.label(text.number(value)).classes("wp-fact")
        for name, chip in self._chips.items():
            chosen = name in self._only
            chip.classes(add="wp-chosen" if chosen else "", remove="" if chosen else "wp-chosen")
            chip.props(f'aria-pressed="{str(chosen).lower()}"').style(f"--wp-mark: {mark_colour(name, theme)}")
        self._all.set_visibility(bool(self._only))

    def _toggle(self, name: str) -> None:
        self._only ^= {name}
        self._draw()

    def _show_all(self) -> None:
        self._only.clear()
        self._draw()

    def _keep(self, name: str, value: bool | str) -> None:
        self._kept[name] = value
        self._draw()
