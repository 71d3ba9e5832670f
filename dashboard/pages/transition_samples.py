"""The patterns that are packed with the chosen model, to start at one of them: small pictures to choose from.

Asks for them only while they are to be seen: for a registered model the first time fetches its files.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from nicegui import background_tasks, ui

from dashboard.making import Thumbnail, maker_of, thumbnails
from dashboard.pages.context import Context, PageClosedError

NONE = "No patterns are packed with this model: choose a registered version, or start at a seed."


class StartSample:
    """The control in one page."""

    def __init__(self, context: Context, kept: dict[str, Any], picked: Callable[[], None]) -> None:
        """Args: kept: the tab's settings; `sample` is the number in the source's group. picked: called with a click."""
        self._context, self._kept, self._picked = context, kept, picked
        self._asked: tuple[str, str] = ("", "")
        self._buttons: dict[int, ui.element] = {}
        self._box = ui.element("div").classes("wp-samples").props('role="group" aria-label="Sample"').mark("samples")

    def chosen(self, source: str) -> str:
        """Id of the sample; whether the model has it shows when it is asked."""
        return f"{source}-{self._kept['sample']}"

    def show(self, source: str, model: str) -> None:
        """Offer those of a group and a model."""
        self._box.set_visibility(True)
        if (source, model) != self._asked:
            self._asked = (source, model)
            background_tasks.create(self._offer(source, model), name="samples")

    def hide(self) -> None:
        """Show none."""
        self._box.set_visibility(False)

    async def _offer(self, source: str, model: str) -> None:
        found: list[Thumbnail] = []
        text = NONE
        try:
            found = await self._context.off_loop(self._find, source, model)
        except PageClosedError:
            return
        except ValueError as error:
            text = str(error)
        if self._asked != (source, model):
            return
        if found and self._kept["sample"] >= len(found):
            self._kept["sample"] = 0
        self._box.clear()
        with self._box:
            self._buttons = {number: self._place(number, each) for number, each in enumerate(found)}
            if not found:
                ui.label(text).classes("wp-about").props('role="status"')
        self._mark()

    def _find(self, source: str, model: str) -> list[Thumbnail]:
        """Blocks."""
        samples = maker_of(self._context.store).models.samples(model)
        return thumbnails(samples, source) if samples else []

    def _place(self, number: int, each: Thumbnail) -> ui.element:
        button = ui.element("button").classes("wp-sample").props(f'aria-label="Sample {each.sample}"')
        with button.mark(f"sample-{each.sample}"):
            picture = base64.b64encode(each.picture).decode()
            ui.element("img").props(f'alt="" src="data:image/jpeg;base64,{picture}"')
        return button.on("click", lambda: self._pick(number))

    def _pick(self, number: int) -> None:
        self._kept["sample"] = number
        self._mark()
        self._picked()

    def _mark(self) -> None:
        for number, button in self._buttons.items():
            chosen = number == self._kept["sample"]
            button.classes(add="wp-chosen" if chosen else "", remove="" if chosen else "wp-chosen")
            button.props(f'aria-pressed="{str(chosen).lower()}"')
