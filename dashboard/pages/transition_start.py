"""What a transition starts at: the generator's pattern of a seed, a sample packed with the model, or an own picture.

A choice of three, with what belongs to the chosen one beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui

from dashboard.pages.context import Context
from dashboard.pages.transition_picture import StartPicture
from dashboard.pages.transition_samples import StartSample

MOST_SEED = 99_999

SEED, SAMPLE, PICTURE = "seed", "sample", "picture"

KINDS = {SEED: "Seed", SAMPLE: "Sample", PICTURE: "Own picture"}


class StartControl:
    """The control in one page."""

    def __init__(
        self,
        context: Context,
        kept: dict[str, Any],
        *,
        changed: Callable[[], None],
        picked: Callable[[], None],
        started: Callable[[str], None],
    ) -> None:
        """Args:
        kept: the tab's settings: start, seed, sample, source, model.
        changed: called when it starts elsewhere. picked: a sample was clicked.
        started: called with the group that a given picture has.
        """
        self._kept, self._changed = kept, changed
        with ui.element("div").classes("wp-ask-more") as row:
            ui.label("Start at").classes("wp-about")
            self._kind = (
                ui.toggle(KINDS, value=kept["start"], on_change=self._choose)
                .props('dense no-caps aria-label="Start at"')
                .classes("wp-toggle")
                .mark("start")
            )
            with ui.element("div").classes("wp-labelled") as self._seed_box:
                self._place_seed()
            self._sample = StartSample(context, kept, picked)
        self._picture = StartPicture(context, row, started, self._start_at_seed)
        self._show()

    def wanted(self, source: str) -> dict[str, Any]:
        """What goes into a `Wanted`. Raises: ValueError: no seed is typed, or no picture is chosen."""
        if self._kind.value == SAMPLE:
            return {SAMPLE: self._sample.chosen(source)}
        if self._kind.value == PICTURE:
            if self._picture.chosen is None:
                raise ValueError("Choose a picture of your own, or start at a seed.")
            return {PICTURE: self._picture.chosen.digest}
        if self._seed.value is None:
            raise ValueError("a seed must be a number from 0 on; type one")
        return {SEED: int(self._seed.value)}

    def follow(self, source: str) -> None:
        """Another source or model was chosen: a picture starts nothing but its own group."""
        self._picture.keep_only(source)
        self._show()

    def _place_seed(self) -> None:
        self._seed = (
            ui.number("Seed", value=self._kept["seed"], min=0, max=MOST_SEED, precision=0, on_change=self._keep_seed)
            .props("dense outlined")
            .classes("wp-seed")
            .mark("seed")
        )
        ui.button(
            icon="casino", on_click=lambda: self._seed.set_value((int(self._seed.value or 0) + 1) % MOST_SEED)
        ).props('flat round aria-label="Next seed"').tooltip("Next seed").mark("next-seed")

    def _keep_seed(self) -> None:
        if self._seed.value is not None:
            self._kept["seed"] = int(self._seed.value)
        self._changed()

    def _start_at_seed(self) -> None:
        self._kind.set_value(SEED)

    def _choose(self) -> None:
        if self._kind.value != PICTURE:  # which is not kept
            self._kept["start"] = self._kind.value
        self._show()
        self._changed()

    def _show(self) -> None:
        kind = self._kind.value
        self._seed_box.set_visibility(kind == SEED)
        self._picture.show(kind == PICTURE)
        if kind == SAMPLE:
            self._sample.show(self._kept["source"], self._kept["model"])
        else:
            self._sample.hide()
