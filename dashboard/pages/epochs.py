"""The slider over the epochs that have pictures, which several tabs have: it follows the newest until it is moved.

Knows epochs and nothing of what is shown for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nicegui import ui

from dashboard.pages.context import Context
from dashboard.store import File
from dashboard.views.epochs import epochs_of, names_in
from wallpaper.epoch_pictures.places import VISUALIZATIONS, epoch_folder

PLAY_SECONDS = 0.9

LOOKED_BACK = 5
"""Epochs that are looked through for the newest that was drawn."""


class Epochs:
    """Which epoch of the chosen run is looked at."""

    def __init__(self, context: Context, wanted: frozenset[str], changed: Callable[[], Any]) -> None:
        """Args: wanted: names of files, of which an epoch has some. changed: called when another epoch was chosen."""
        self._context, self._changed, self._wanted = context, changed, wanted
        self._known: list[int] = []
        self._run_id, self._follows = "", True
        self.epoch: int | None = None
        with ui.element("div").classes("wp-epochs") as self._box:
            self._play = (
                ui.button(icon="play_arrow", on_click=self._start_or_stop)
                .props('flat round dense aria-label="Play the epochs"')
                .mark("play")
            )
            self._slider = (
                ui.slider(min=0, max=1, step=1, value=0, on_change=self._moved)
                .props('markers snap aria-label="Epoch"')
                .classes("wp-epoch-slider")
                .mark("epoch-slider")
            )
            self._label = ui.label("").classes("wp-epoch-label")
        self._timer = ui.timer(PLAY_SECONDS, self._step, active=False)
        self._box.set_visibility(False)

    async def update(self) -> int | None:
        """Look for new epochs. Returns: the one to show, None if none is drawn."""
        if self._context.run_id != self._run_id:
            self._run_id, self._known, self._follows, self.epoch = self._context.run_id, [], True, None
        if not self._run_id:
            return None
        known = epochs_of(await self._listed(VISUALIZATIONS))
        if known != self._known:
            self._known = known
        if self._follows or self.epoch not in known:
            self.epoch = await self._newest()
            self._show()
        return self.epoch

    async def _newest(self) -> int | None:
        """The last epoch that was drawn: one that took too long left nothing but its metrics."""
        for epoch in self._known[: -LOOKED_BACK - 1 : -1]:
            if names_in(await self._listed(epoch_folder(epoch))) & self._wanted:
                return epoch
        return None

    async def _listed(self, folder: str) -> Sequence[File]:
        return await self._context.off_loop(self._context.store.files, self._run_id, folder)

    async def files(self) -> Sequence[File]:
        """What the chosen epoch has left."""
        if self.epoch is None:
            return []
        return await self._listed(epoch_folder(self.epoch))

    def _show(self) -> None:
        self._box.set_visibility(self.epoch is not None)
        if self.epoch is None:
            return
        self._slider.props(f"max={max(1, len(self._known) - 1)}").set_enabled(len(self._known) > 1)
        self._slider.set_value(self._known.index(self.epoch))
        self._label.set_text(f"epoch {self.epoch}" + ("  ·  newest" if self.epoch == self._known[-1] else ""))

    def _choose(self, place: int) -> None:
        if not self._known or self._known[min(place, len(self._known) - 1)] == self.epoch:
            return
        self.epoch = self._known[min(place, len(self._known) - 1)]
        self._follows = self.epoch == self._known[-1]
        self._show()
        self._changed()

    def _moved(self, event: Any) -> None:
        self._choose(int(event.value))

    def _start_or_stop(self) -> None:
        self._timer.active = not self._timer.active
        if self._timer.active and self.epoch == self._known[-1]:
            self._choose(0)
        self._play.props(f"icon={'pause' if self._timer.active else 'play_arrow'}")

    def _step(self) -> None:
        place = self._known.index(self.epoch) + 1 if self.epoch in self._known else len(self._known)
        if place >= len(self._known):
            self._timer.active = False
            self._play.props("icon=play_arrow")
        else:
            self._choose(place)
