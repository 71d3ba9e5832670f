"""Tab "Transitions": any transition by any model at hand, frame by frame, and all pairs as a matrix.

Places the parts; what they make is in `dashboard.making`, and the player itself runs in the browser.
"""

from __future__ import annotations

from typing import Any

from nicegui import background_tasks, ui

from dashboard.making import Choice, Wanted, maker_of
from dashboard.making.models import choices
from dashboard.pages.context import Context, PageClosedError, Update
from dashboard.pages.parts import card, skeleton
from dashboard.pages.transition_matrix import MatrixCard
from dashboard.pages.transition_start import StartControl
from dashboard.views.matrix import summary
from wallpaper.pictures.colours import BY_ROTATION
from wallpaper.plane.routes import ROUTES

FIRST: dict[str, Any] = {
    "source": "p1", "target": "p6m", "seed": 23, "route": "direct", "model": "shipped", "colour": "kept",
    "start": "seed", "sample": 0,
}  # fmt: skip
"""What a new visitor sees."""

STALE = "These settings are not drawn yet: press Generate."


def build(context: Context) -> Update:
    """Place the tab."""
    return TransitionsTab(context).update


class TransitionsTab:
    """The tab in one page."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._maker = maker_of(context.store)
        self._kept: dict[str, Any] = context.settings.setdefault("transitions", {})
        for name, value in FIRST.items():
            self._kept.setdefault(name, value)
        self._player: ui.element | None = None
        self._shown: Wanted | None = None
        self._asked, self._making = 0, False
        with ui.element("div").classes("wp-trans"):
            self._matrix = MatrixCard(context, self._kept, self._pick)
            with card("Transition", "every frame keeps the common subgroup exactly"):
                self._place_questions()
                self._start = StartControl(
                    context, self._kept, changed=self._changed, picked=self.generate, started=self._started
                )
                self._said = ui.label("").classes("wp-about").props('role="status"').mark("said")
                self._note = ui.label(STALE).classes("wp-note").props('role="status"').mark("stale")
                self._note.set_visibility(False)
                self._box = ui.element("div").classes("w-full").mark("film")
        with self._box:
            self._wait()
        self._describe()

    def update(self) -> None:
        """Offer the models that there are now; the first call makes what is chosen."""
        self._offer(choices(self._context.store.versions, self._context.run))
        self._matrix.update()
        if self._asked == 0:
            self.generate()

    def generate(self) -> None:
        """Make what is chosen, beside the page."""
        self._asked += 1
        background_tasks.create(self._make(self._asked), name="transition")

    # ---- what is asked for

    def _place_questions(self) -> None:
        kept = self._kept
        names = list(BY_ROTATION)
        with ui.element("div").classes("wp-ask"):
            self._source = self._select(names, kept["source"], "From", "source")
            ui.button(icon="swap_horiz", on_click=self._swap).props('flat round aria-label="Swap the groups"').mark(
                "swap"
            )
            self._target = self._select(names, kept["target"], "To", "target")
            self._button = (
                ui.button("Generate", icon="auto_awesome", on_click=self.generate)
                .props("unelevated no-caps")
                .classes("wp-generate")
                .mark("generate")
            )
        with ui.element("div").classes("wp-ask-more"):
            self._route = (
                ui.toggle(list(ROUTES), value=kept["route"], on_change=self._changed)
                .props('dense no-caps aria-label="Route"')
                .classes("wp-toggle")
                .mark("route")
            )
            self._model = (
                ui.select({kept["model"]: "shipped model"}, value=kept["model"], label="Model", on_change=self._changed)
                .props("dense outlined options-dense")
                .classes("wp-model")
                .mark("model")
            )

    def _select(self, options: list[str], value: str, label: str, mark: str) -> ui.select:
        select = ui.select(options, value=value, label=label, on_change=self._changed)
        return select.props("dense outlined options-dense").mark(mark)

    def _offer(self, found: list[Choice]) -> None:
        options = {choice.key: choice.title for choice in found}
        if self._model.options != options:
            value = self._model.value if self._model.value in options else FIRST["model"]
            self._model.set_options(options, value=value)

    def _wanted(self) -> Wanted:
        """Raises: ValueError: nothing to start at, or twice the same group."""
        source, target = self._source.value, self._target.value
        if source == target:
            raise ValueError("Choose two different groups.")
        start = self._start.wanted(source)
        return Wanted(source, target, route=self._route.value, model=self._model.value, **start)

    def _changed(self) -> None:
        fields = {"source": self._source, "target": self._target, "route": self._route, "model": self._model}
        for name, field in fields.items():
            if field.value is not None:
                self._kept[name] = field.value
        self._start.follow(self._source.value)
        self._matrix.choose(self._source.value, self._target.value)
        self._describe()
        self._compare()

    def _compare(self) -> None:
        """Tell a film that is not of what the controls say, so that nobody takes or keeps it for that."""
        try:
            wanted = self._wanted()
        except ValueError:
            wanted = None
        stale = self._shown not in (None, wanted)
        self._note.set_visibility(stale and not self._making)
        self._box.classes(add="wp-stale" if stale else "", remove="" if stale else "wp-stale")

    def _describe(self) -> None:
        source, target = self._kept["source"], self._kept["target"]
        same = source == target
        self._said.set_text("Choose two different groups." if same else "")
        if not same:
            background_tasks.create(self._explain(source, target), name="relation")

    async def _explain(self, source: str, target: str) -> None:
        try:
            text = await self._context.off_loop(summary, source, target)
        except PageClosedError:
            return
        if (source, target) == (self._kept["source"], self._kept["target"]):
            self._said.set_text(text)

    def _swap(self) -> None:
        source, target = self._source.value, self._target.value
        self._source.set_value(target)
        self._target.set_value(source)

    def _pick(self, source: str, target: str) -> None:
        self._source.set_value(source)
        self._target.set_value(target)
        self.generate()

    def _started(self, group: str) -> None:
        """A picture was given: it decides the source."""
        self._source.set_value(group)
        if self._target.value == group:
            self._target.set_value(next(name for name in ("p6m", "p1") if name != group))
        self.generate()

    # ---- what is shown

    async def _make(self, asked: int) -> None:
        try:
            wanted = self._wanted()
        except ValueError as error:
            self._complain(str(error))
            self._wait_for(False)  # an earlier question's answer is not wanted either
            return
        self._wait_for(True)
        try:
            token = await self._context.off_loop(self._maker.make, wanted)
        except PageClosedError:
            return
        except (ValueError, RuntimeError) as error:
            if asked == self._asked:
                self._complain(str(error))
            return
        finally:
            if asked == self._asked:
                self._wait_for(False)
        if asked == self._asked:
            self._show(token, wanted)

    def _wait_for(self, making: bool) -> None:
        self._making = making
        self._button.props(add="loading" if making else "", remove="" if making else "loading")
        self._compare()

    def _show(self, token: str, wanted: Wanted) -> None:
        self._shown = wanted
        self._compare()
        address = f"made/{token}/about.json"
        if self._player is None:
            self._box.clear()
            with self._box:
                self._player = ui.element("wp-player").props(f"src={address}").mark("player")
        else:
            self._player.props(f"src={address}")

    def _wait(self) -> None:
        with ui.element("div").classes("wp-waiting-box").mark("waiting"):
            skeleton(420)
            skeleton(420)

    def _complain(self, text: str) -> None:
        self._said.set_text(text)
        with self._box:
            ui.notify(text, type="warning")
