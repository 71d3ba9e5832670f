"""Tab "Reconstructions": original, reconstruction and error of one pattern of each group.

Places rows of pictures; `dashboard.views.reconstructions` sorts them.
"""

from __future__ import annotations

from typing import Any

from nicegui import background_tasks, ui

from dashboard.pages.context import Context, Update
from dashboard.pages.epochs import Epochs
from dashboard.pages.latent import GLYPHS
from dashboard.pages.parts import card, no_pictures
from dashboard.store.artifacts import address
from dashboard.theme import mark_colour
from dashboard.views.epochs import ROWS, ROWS_PICTURE, TILES, names_in
from dashboard.views.reconstructions import ORDERS, Row, ordered, read_rows
from wallpaper.epoch_pictures.places import epoch_folder
from wallpaper.pictures.colours import MARKS

WANTED = frozenset({TILES, ROWS_PICTURE})

COLUMNS = ("original", "reconstruction", "error")


def build(context: Context) -> Update:
    """Place the tab."""
    return ReconstructionsTab(context).update


class ReconstructionsTab:
    """The tab in one page."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._kept: dict[str, Any] = context.settings.setdefault("reconstructions", {"order": "group"})
        self._shown: tuple[object, ...] = ()
        self._rows: list[Row] = []
        self._address = ""
        self._empty = ui.element("div").classes("w-full")
        with (
            ui.element("div").classes("w-full") as self._cards,
            card("Reconstructions", "original, reconstruction, error; held-out patterns") as controls,
        ):
            with controls:
                self._mean = ui.label("").classes("wp-about").mark("mean-psnr")
                self._order = (
                    ui.toggle(ORDERS, value=self._kept["order"], on_change=self._sort)
                    .props("dense no-caps")
                    .classes("wp-toggle")
                    .mark("order")
                )
            self._grid = ui.element("div").classes("wp-rows")
            self._picture = (
                ui.image("").props('alt="Original, reconstruction and error of each group"').classes("wp-picture")
            )
            self._epochs = Epochs(context, WANTED, lambda: background_tasks.create(self.update(), name="epoch"))
        self._picture.set_visibility(False)

    async def update(self) -> None:
        """Draw the chosen epoch: its tiles, or the picture of them where a run left no tiles."""
        epoch = await self._epochs.update()
        self._cards.set_visibility(epoch is not None)
        self._empty.clear()
        if epoch is None:
            with self._empty:
                no_pictures(self._context, "compare", "No reconstructions yet")
            return
        names = names_in(await self._epochs.files())
        run_id, folder = self._context.run_id, epoch_folder(epoch)
        has_tiles = {ROWS, TILES} <= names
        self._order.set_visibility(has_tiles)
        self._grid.set_visibility(has_tiles)
        self._picture.set_visibility(not has_tiles and ROWS_PICTURE in names)
        if not has_tiles:
            self._mean.set_text("" if ROWS_PICTURE in names else f"epoch {epoch} was not drawn")
            self._picture.set_source(address(run_id, f"{folder}/{ROWS_PICTURE}"))
            return
        if self._address != address(run_id, f"{folder}/{TILES}"):
            path = await self._context.off_loop(self._context.store.file, run_id, f"{folder}/{ROWS}")
            self._rows = read_rows(await self._context.off_loop(path.read_text, "utf-8"))
            self._address = address(run_id, f"{folder}/{TILES}")
        self._draw()

    def _draw(self) -> None:
        state = (self._address, self._kept["order"], self._context.theme.name)
        if state == self._shown or not self._rows:
            return
        self._shown = state
        mean = sum(row.psnr for row in self._rows) / len(self._rows)
        self._mean.set_text(f"mean {mean:.1f} dB")
        self._grid.clear()
        with self._grid:
            for row in ordered(self._rows, self._kept["order"]):
                self._place(row)

    def _place(self, row: Row) -> None:
        with ui.element("figure").classes("wp-row").mark(f"row-{row.group}"):
            with ui.element("figcaption").classes("wp-row-name"):
                with ui.element("span").classes("wp-row-group"):
                    if row.group in MARKS:
                        colour = mark_colour(row.group, self._context.theme)
                        ui.label(GLYPHS[MARKS[row.group].shape]).style(f"color: {colour}").props('aria-hidden="true"')
                    ui.label(row.group)
                ui.label(f"{row.psnr:.1f} dB").classes("wp-about")
            for column, kind in enumerate(COLUMNS):
                height = 100 * len(self._rows)
                # One picture holds all tiles: each box shows a part of it.
                with ui.element("div").classes("wp-tile"):
                    ui.image(self._address).props(
                        f'no-spinner no-transition fit=fill alt="{kind} of {row.group}"'
                    ).style(
                        f"width: 300%; height: {height}%; left: {-100 * column}%; top: {-100 * row.place}%"
                    ).classes("wp-sheet")

    def _sort(self, event: Any) -> None:
        self._kept["order"] = event.value
        self._draw()
