"""Tab "Groups": an atlas of the 17 plane groups, and what their operations do to a pattern.

Places the parts; what is drawn comes from `dashboard.making.atlas` and `dashboard.views.groups`.
"""

from __future__ import annotations

from typing import Any

from nicegui import background_tasks, ui

from dashboard.making.atlas import MOST_SEED, Check, check
from dashboard.pages.context import Context, PageClosedError, Update
from dashboard.pages.parts import card
from dashboard.views.groups import cayley_markup, facts, kind, tree_drawing
from wallpaper.pictures.colours import BY_ROTATION
from wallpaper.plane import GROUP_NAMES, plane_group

SMALL, LARGE = 128, 480
"""Pixels along each side of the pictures."""


def build(context: Context) -> Update:
    """Place the tab."""
    return GroupsTab(context).update


class GroupsTab:
    """The tab in one page."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._kept: dict[str, Any] = context.settings.setdefault("groups", {"group": "p4g", "seed": 12, "other": "p6m"})
        self._by = ""
        self._drawn: tuple[object, ...] = ()
        with card("The 17 plane groups", "by their rotations; choose one"), ui.element("div").classes("wp-atlas"):
            self._buttons = {name: self._place_button(name) for name in BY_ROTATION}
        with ui.element("div").classes("wp-group"):
            self._place_pattern()
            self._place_operations()
            with ui.element("div").classes("wp-stack"):
                with card("Products", "g after h, by the numbers of the operations; the row's, g, acts last"):
                    self._table = ui.element("div").classes("wp-scroll")
                with card("Subgroups and supergroups", "t keeps all translations, k the point group"):
                    self._tree = ui.element("div").classes("wp-tree")

    def update(self) -> None:
        """Draw the chosen group anew if it, its seed or the theme has changed."""
        name, seed = self._kept["group"], int(self._kept["seed"])
        state = (name, seed, self._context.theme.name)
        if state == self._drawn:
            return
        if self._drawn[:2] != state[:2]:
            self._show(name, seed)
        self._drawn = state
        background_tasks.create(self._grow(name), name="tree")

    # ---- the parts

    def _place_button(self, name: str) -> ui.element:
        with ui.element("button").classes("wp-atlas-one").props(f'aria-label="{name}"').mark(f"atlas-{name}") as button:
            ui.element("img").props(
                f'alt="" loading="lazy" src="atlas/{name}/pattern.png?seed={plane_group(name).number}&size={SMALL}"'
            )
            ui.label(name)
        return button.on("click", lambda: self._choose("group", name))

    def _place_pattern(self) -> None:
        with card("Pattern", "its cell and symmetry elements") as controls, ui.element("div").classes("wp-list"):
            self._picture = ui.element("img").classes("wp-group-picture").mark("group-picture")
            self._facts = ui.element("div").classes("wp-facts")
        with controls:
            self._seed = (
                ui.number("Seed", value=self._kept["seed"], min=0, max=MOST_SEED, precision=0)
                .props("dense outlined")
                .classes("wp-seed")
                .on_value_change(lambda e: self._choose("seed", e.value))
                .mark("group-seed")
            )

    def _place_operations(self) -> None:
        with card("Apply an operation", "and see what changes") as controls:
            with controls:
                self._other = (
                    ui.select(list(BY_ROTATION), value=self._kept["other"], label="Another group")
                    .props("dense outlined options-dense")
                    .classes("wp-other")
                    .on_value_change(lambda e: self._choose("other", e.value))
                    .mark("other")
                )
            self._own_title = ui.label("").classes("wp-about")
            self._own = ui.element("div").classes("wp-operations").mark("own")
            self._foreign_title = ui.label("").classes("wp-about")
            self._foreign = ui.element("div").classes("wp-operations").mark("foreign")
            with ui.element("div").classes("wp-triptych"):
                self._figures = {
                    part: self._place_figure(words)
                    for part, words in (("pattern", "the pattern"), ("moved", "moved"), ("difference", "difference"))
                }
            with ui.element("div").classes("wp-verdict") as self._verdict:
                self._verdict_words = ui.label("").props('role="status"').mark("verdict")

    def _place_figure(self, words: str) -> ui.element:
        with ui.element("figure"):
            picture = ui.element("img").props(f'alt="{words}"')
            with ui.element("figcaption"):
                ui.label(words)
        return picture

    # ---- what is shown

    def _choose(self, setting: str, value: Any) -> None:
        if value is None or (setting != "seed" and value not in GROUP_NAMES):
            return
        self._kept[setting] = min(MOST_SEED, max(0, int(value))) if setting == "seed" else value
        if setting == "group":
            self._seed.set_value(plane_group(value).number)  # the pattern that the atlas shows
        self._drawn = () if setting == "other" else self._drawn
        self.update()

    def _show(self, name: str, seed: int) -> None:
        group = plane_group(name)
        for each, button in self._buttons.items():
            button.classes(add="wp-chosen" if each == name else "", remove="" if each == name else "wp-chosen")
            button.props(f'aria-pressed="{str(each == name).lower()}"')
        self._picture.props(
            f'src="atlas/{name}/elements.png?seed={seed}&size={LARGE}" alt="A pattern of {name} with its elements"'
        )
        self._facts.clear()
        with self._facts:
            for title, value in [("Group", name), *facts(name)]:
                ui.label(title).classes("wp-about")
                ui.label(value).classes("wp-fact")
        self._table.clear()
        with self._table:
            ui.html(cayley_markup(name), sanitize=False).mark("cayley")  # own markup only
        other = self._kept["other"]
        own = {op.xyz for op in group.operations}
        self._own_title.set_text(f"The {len(own)} operations of {name}, of a cell")
        self._foreign_title.set_text(f"Operations of {other} that {name} does not have")
        self._place_choices(self._own, name, list(group.operations))
        self._place_choices(self._foreign, other, [op for op in plane_group(other).operations if op.xyz not in own])
        self._apply(group.operations[-1].xyz)

    def _place_choices(self, box: ui.element, name: str, operations: list[Any]) -> None:
        box.clear()
        with box:
            if not operations:
                ui.label(f"none: {name} is a subgroup here").classes("wp-about")
            for number, op in enumerate(operations, 1):
                with (
                    ui.element("button")
                    .classes("wp-operation")
                    .props(f'title="{kind(op, name)}" data-xyz="{op.xyz}"')
                    .on("click", lambda xyz=op.xyz: self._apply(xyz))
                    .mark(f"apply-{op.xyz}")
                ):
                    if box is self._own:  # the products go by these numbers
                        ui.label(str(number)).classes("wp-about")
                    ui.label(op.xyz)

    def _apply(self, xyz: str) -> None:
        self._by = xyz
        name, seed = self._kept["group"], int(self._kept["seed"])
        for box in (self._own, self._foreign):
            for button in box.default_slot.children:
                chosen = button.props.get("data-xyz") == xyz
                button.classes(add="wp-chosen" if chosen else "", remove="" if chosen else "wp-chosen")
        for part, picture in self._figures.items():
            by = "" if part == "pattern" else f"&by={xyz.replace('+', '%2B')}"
            picture.props(f'src="atlas/{name}/{part}.png?seed={seed}&size=260{by}"')
        background_tasks.create(self._judge(name, seed, xyz), name="check")

    async def _judge(self, name: str, seed: int, xyz: str) -> None:
        try:
            found = await self._context.off_loop(check, name, seed, xyz)
        except PageClosedError:
            return
        except RuntimeError as error:  # a seed with no acceptable pattern
            self._verdict_words.set_text(str(error))
            return
        if xyz == self._by:
            self._say(found, name, xyz)

    def _say(self, found: Check, name: str, xyz: str) -> None:
        holds = found.largest == 0
        own = xyz in {op.xyz for op in plane_group(name).operations}
        self._verdict.classes(add="wp-holds" if holds else "wp-fails", remove="wp-fails" if holds else "wp-holds")
        if holds:
            text = f"{xyz}: largest residual exactly 0. Not one sample of {name}'s pattern changes."
        else:
            share = f"{100 * found.changed:.0f} % of the samples change"
            text = f"{xyz}: largest residual {found.largest:.0f} of 255; {share}."
        self._verdict_words.set_text(text if own or holds else f"{text} {name} does not have it.")

    async def _grow(self, name: str) -> None:
        try:
            drawing = await self._context.off_loop(tree_drawing, name, self._context.theme)
        except PageClosedError:
            return
        if name == self._kept["group"]:
            self._tree.clear()
            with self._tree:
                ui.html(drawing, sanitize=False)  # own markup only
