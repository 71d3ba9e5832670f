"""The card of all 272 pairs: a grid of buttons, what colours them, and what is pointed at.

The grid itself is made by `dashboard.views.matrix` and answers in the browser.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from nicegui import background_tasks, ui
from numpy.typing import NDArray

from dashboard.making import Film, maker_of
from dashboard.making.models import key_of
from dashboard.pages.context import Context, PageClosedError
from dashboard.pages.parts import card, skeleton
from dashboard.store.artifacts import address
from dashboard.views.epochs import epochs_of
from dashboard.views.matrix import ABOUT, COLOURS, STEPS, Pair, matrix_markup, orders, scale_of, words
from wallpaper.epoch_pictures.places import epoch_folder
from wallpaper.plane import GROUP_NAMES

WHOLE = frozenset({"kept", "widest"})
"""Kinds of figures that are written into the cells."""

BUSY = {"kept": "comparing all pairs …", "widest": "comparing all pairs …"}
SOLVING = "solving the paths of all 272 pairs …"


class MatrixCard:
    """The card in one page."""

    def __init__(self, context: Context, kept: dict[str, Any], pick: Callable[[str, str], None]) -> None:
        """Args: kept: the tab's settings: colour, seed, model, route and pair. pick: called with a chosen pair."""
        self._context, self._kept, self._pick = context, kept, pick
        self._pair: Pair = (kept["source"], kept["target"])
        self._values: Mapping[Pair, float] = {}
        self._known: tuple[object, ...] = ()
        self._asked: tuple[object, ...] = ()
        self._previews: dict[Pair, str] = {}
        self._run, self._solved = "", 0
        with card(
            "All transitions", "rows are sources, columns targets; click a pair, or walk with the arrow keys"
        ) as controls:
            with controls:
                ui.select(COLOURS, value=kept["colour"], label="Colour by", on_change=self._recolour).props(
                    "dense outlined options-dense"
                ).classes("wp-compare").mark("colour")
            self._about = ui.label("").classes("wp-about")
            with ui.element("div").classes("wp-matrix-scroll") as self._box:
                skeleton(480)
            with ui.element("div").classes("wp-scale"):
                self._low = ui.label("").classes("wp-about")
                with ui.element("div").classes("wp-scale-bar").props('aria-hidden="true"'):
                    for shade in range(STEPS):
                        ui.element("i").classes(f"wp-shade-{shade}")
                self._high = ui.label("").classes("wp-about")
                ui.element("span").classes("wp-pointed").props('aria-live="off"')
            self._preview = ui.element("img").classes("wp-preview").props('alt="" hidden').mark("preview")
        self._film: Film | None = None
        self._offer_previews()
        self._ticking = ui.timer(1.0, self._say_how_far, active=False)
        self._grid: ui.html | None = None

    def update(self) -> None:
        """Compute what the pairs are coloured by, if it is not known, and look for pictures of the chosen run."""
        background_tasks.create(self._refresh(), name="matrix")

    def choose(self, source: str, target: str) -> None:
        """Mark a pair."""
        if (source, target) != self._pair:
            self._pair = (source, target)
            self._draw()
        self._offer_previews()
        if self._kept["colour"] not in WHOLE:
            self.update()  # of another seed or model

    def _offer_previews(self) -> None:
        """Tell the browser where it finds a picture of each pair, by the model that is chosen now."""
        film = Film(self._kept["model"], self._kept["seed"], self._kept["route"])
        if film != self._film:
            self._film = film
            token = maker_of(self._context.store).offer(film)
            self._preview.props(f'data-made="preview/{token}"')
            self._draw()

    def _is_of_run(self) -> bool:
        """Whether the chosen model is the chosen run's, whose own animations show what it does."""
        chosen, run_id = self._kept["model"], self._context.run_id
        versions = [each for each in self._context.store.versions if key_of(each) == chosen]
        return run_id in (chosen, *(each.run_id for each in versions))

    async def _refresh(self) -> None:
        colour = self._kept["colour"]
        wanted = (colour,) if colour in WHOLE else (colour, self._kept["model"], self._kept["seed"])
        if wanted == self._asked:
            return
        self._asked = wanted
        try:
            found = await self._pictures()
            values = self._values
            if wanted != self._known:
                self._about.set_text(BUSY.get(colour, SOLVING))
                self._solved, self._ticking.active = 0, colour == "nfe"
                values = await self._context.off_loop(self._figures, *wanted)
            elif not found:
                return
        except PageClosedError:
            return
        except (ValueError, RuntimeError) as error:
            self._about.set_text(str(error))
            return
        finally:
            if self._asked == wanted:
                self._asked, self._ticking.active = (), False
        if colour == self._kept["colour"]:
            self._known, self._values = wanted, values
            self._draw()

    def _figures(self, colour: str, model: str = "", seed: int = 0) -> Mapping[Pair, float]:
        """Blocks."""
        if colour in WHOLE:
            return orders(colour == "widest")
        maker = maker_of(self._context.store)
        if colour == "nfe":
            table: NDArray[np.generic] = maker.evaluations(model, seed, partial(self._tick, (colour, model, seed)))
        else:
            found = maker.lengths(model, seed)
            table = {"length": found.length, "bend": found.bend, "error": found.error}[colour]
        return {
            (source, target): float(table[i, j])
            for i, source in enumerate(GROUP_NAMES) for j, target in enumerate(GROUP_NAMES) if i != j
        }  # fmt: skip

    def _tick(self, wanted: tuple[object, ...], solved: int) -> None:
        """Note how many paths are solved. Raises: PageClosedError: nobody waits for them any more."""
        if self._asked != wanted or self._box.is_deleted:
            raise PageClosedError("something else is wanted")
        self._solved = solved

    def _say_how_far(self) -> None:
        self._about.set_text(f"solving path {self._solved + 1} of 272, each with steps that adapt to it …")

    async def _pictures(self) -> bool:
        """Look once for the animations of the chosen run's last epoch. Returns: whether that changed anything."""
        run_id = self._context.run_id
        if run_id == self._run:
            return False
        self._run, before = run_id, self._previews
        self._previews = {}
        if run_id:
            try:
                self._previews = await self._context.off_loop(self._left, run_id)
            except (OSError, RuntimeError) as error:
                if isinstance(error, PageClosedError):
                    raise
        return self._previews != before

    def _left(self, run_id: str) -> dict[Pair, str]:
        """Blocks."""
        epochs = epochs_of(self._context.store.files(run_id, "visualizations"))
        if not epochs:
            return {}
        found: dict[Pair, str] = {}
        for file in self._context.store.files(run_id, f"{epoch_folder(epochs[-1])}/transitions"):
            name = file.path.rsplit("/", 1)[-1]
            source, _, target = name.removesuffix(".gif").partition("_to_")
            if name.endswith(".gif") and source in GROUP_NAMES and target in GROUP_NAMES:
                found[source, target] = address(run_id, file.path)
        return found

    def _draw(self) -> None:
        if not self._values:
            return
        colour = self._known[0]
        assert isinstance(colour, str)
        previews = self._previews if self._is_of_run() else {}
        markup = matrix_markup(self._values, colour, self._pair, previews)
        scale = scale_of(self._values, colour)
        self._about.set_text(ABOUT[colour])
        self._low.set_text(words(scale.low, colour))
        self._high.set_text(words(scale.high, colour))
        self._box.classes(add="wp-whole" if colour in WHOLE else "", remove="" if colour in WHOLE else "wp-whole")
        if self._grid is None:
            self._box.clear()
            with self._box:
                self._grid = ui.html(markup, sanitize=False).mark("matrix")  # own markup only
            self._grid.on(
                "click",
                lambda e: self._clicked(e.args),
                js_handler="(e) => {const p = wpMatrix.pick(e); if (p) emit(p)}",
            )
            self._grid.on("keydown", js_handler="(e) => wpMatrix.key(e)")
            for event in ("mouseover", "focusin"):
                self._grid.on(event, js_handler="(e) => wpMatrix.point(e)")
        elif self._grid.content != markup:
            self._grid.set_content(markup)

    def _clicked(self, pair: Any) -> None:
        """What a browser says is not trusted."""
        if (
            isinstance(pair, list)
            and len(pair) == 2
            and all(name in GROUP_NAMES for name in pair)
            and pair[0] != pair[1]
        ):
            self._pick(pair[0], pair[1])

    def _recolour(self, event: Any) -> None:
        self._kept["colour"] = event.value
        self.update()
