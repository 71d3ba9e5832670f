"""The dialog in which @champion is moved: what would happen, what the gates say, and only then a button that does it.

Places elements; `dashboard.promotion` asks and moves, `dashboard.views.promotion` finds the words. What was begun goes
on when the dialog or the page is closed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nicegui import background_tasks, ui

from dashboard.pages.context import Context
from dashboard.promotion import LONGEST_NAME, LONGEST_REASON, Gate, MoveError, Mover, Outcome
from dashboard.store import VersionRecord
from dashboard.views.promotion import came_of, gates_say, if_promoted, if_rolled_back

NAME = "name"
"""Of the setting that keeps who somebody says to be."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One move that somebody thinks about."""

    title: str
    consequence: Callable[[Outcome | None], str]
    """What it would do; knows more once it was asked."""
    asking: str
    """Said while it is asked."""
    ask: Callable[[], Awaitable[Outcome]]
    button: Callable[[Outcome | None], str]
    moving: str
    """Said while it is done."""
    move: Callable[[Outcome, bool, str, str], Awaitable[Outcome]]
    """Do it; gets what was answered, whether to force, why, and who."""


def promotion(mover: Mover, version: VersionRecord, champion: str) -> Question:
    """Make a version champion. Args: champion: the present one as the store knows it; "" for none."""
    name, number = version.name, version.version
    trial = f"version {number} answers one request in a process of its own, which takes some ten seconds or more"
    return Question(
        title=f"Promote version {number} of {name}",
        consequence=lambda asked: if_promoted(name, str(number), asked.before if asked else champion),
        asking=f"Asking the gates: {trial}.",
        ask=lambda: mover.try_promote(name, number),
        button=lambda asked: (
            f"Promote past {_gates(asked)}" if asked and asked.failing else f"Promote version {number}"
        ),
        moving=f"Promoting: the gates are asked once more, against the champion that there is now; {trial}.",
        move=lambda _, force, reason, by: mover.promote(name, number, force=force, reason=reason, by=by),
    )


def rollback(mover: Mover, version: VersionRecord) -> Question:
    """Make the former champion champion again. Args: version: the present one."""
    name = version.name
    return Question(
        title=f"Roll back {name}",
        consequence=lambda asked: if_rolled_back(
            name, asked.before if asked else str(version.version), asked.version if asked else ""
        ),
        asking="Looking which version was champion before.",
        ask=lambda: mover.try_roll_back(name),
        button=lambda asked: f"Roll back to version {asked.version}" if asked else "Roll back",
        moving="Rolling back.",
        move=lambda asked, _, reason, by: mover.roll_back(name, to=asked.version, reason=reason, by=by),
    )


def _gates(asked: Outcome) -> str:
    count = len(asked.failing)
    return "1 gate" if count == 1 else f"{count} gates"


class MoveDialog:
    """The dialog in one page."""

    def __init__(self, context: Context, told: Callable[[str], None]) -> None:
        """Args: told: called with what came of a move, also if the dialog is closed by then."""
        self._context, self._told = context, told
        self._question: Question | None = None
        self._asked: Outcome | None = None
        self._task: asyncio.Task[None] | None = None
        self._doing, self._since = "", 0.0
        with ui.dialog() as self._dialog, ui.element("div").classes("wp-card wp-move").mark("move"):
            self._title = ui.label("").classes("wp-h2").props('role="heading" aria-level="2"')
            self._consequence = ui.label("").mark("consequence")
            with ui.element("div").classes("wp-move-wait").props('role="status"') as self._wait:
                ui.spinner(size="22px").props('aria-hidden="true"')
                self._doing_label = ui.label("").classes("wp-about").mark("doing")
                self._seconds = ui.label("").classes("wp-about wp-seconds").props('aria-hidden="true"')
            with ui.element("div").classes("wp-banner").props('role="alert"').mark("move-problem") as self._problem:
                ui.icon("error_outline").props('aria-hidden="true"').classes("wp-banner-icon")
                self._problem_label = ui.label("").classes("wp-banner-text").mark("move-error")
                ui.button("Ask again", on_click=self._begin).props("outline no-caps color=secondary").mark("ask-again")
            self._verdict = ui.label("").classes("wp-fact-line").props('role="status"').mark("verdict-of-gates")
            self._gates = ui.element("div").classes("wp-scroll")
            self._place_answers()
        self._dialog.on_value_change(lambda event: None if event.value else self._closed())
        self._timer = ui.timer(1.0, self._count, active=False)

    def _place_answers(self) -> None:
        self._force = ui.checkbox("Promote although gates do not hold", on_change=self._draw).mark("force")
        with ui.element("div").classes("wp-move-answers") as self._answers:
            self._reason = (
                ui.input("Reason", on_change=self._draw)
                .props(f"dense outlined maxlength={LONGEST_REASON}")
                .mark("move-reason")
            )
            self._by = (
                ui.input("Your name", value=str(self._context.settings.get(NAME, "")))
                .props(f"dense outlined maxlength={LONGEST_NAME}")
                .tooltip("Recorded beside the account that the dashboard runs as")
                .mark("move-by")
            )
        with ui.element("div").classes("wp-move-buttons"):
            ui.button("Close", on_click=self._dialog.close).props("flat no-caps").mark("move-close")
            self._confirm = ui.button("", on_click=self._move).props("unelevated no-caps").mark("confirm")

    def open(self, question: Question) -> None:
        """Show what a move would do, and ask."""
        self._question = question
        self._title.set_text(question.title)
        self._force.set_value(False)
        self._reason.set_value("")
        self._dialog.open()
        self._begin()

    # ---- asking

    def _begin(self) -> None:
        if self._question is not None:
            self._show(None, doing=self._question.asking)
            self._task = background_tasks.create(self._ask(self._question), name="promotion")

    async def _ask(self, question: Question) -> None:
        try:
            asked = await question.ask()
        except MoveError as error:
            self._show_of(question, None, problem=str(error))
        else:
            self._show_of(question, asked)

    def _closed(self) -> None:
        """Whoever has closed the dialog asks no more; a move that was begun goes on."""
        self._question = None
        if self._task is not None:
            self._task.cancel()
            self._task = None

    # ---- moving

    @property
    def _allowed(self) -> bool:
        """Whether it may be done: all gates hold, or it is forced, and that with a reason."""
        asked = self._asked
        if asked is None or self._doing or asked.version == asked.before:
            return False
        return not asked.failing or (bool(self._force.value) and bool(str(self._reason.value or "").strip()))

    async def _move(self) -> None:
        question, asked = self._question, self._asked
        if question is None or asked is None or not self._allowed:  # a browser can be told to press any button
            return
        force = bool(asked.failing and self._force.value)  # nobody is forced past a gate by a click alone
        reason, by = str(self._reason.value or ""), str(self._by.value or "")
        self._context.settings[NAME] = by
        self._show(asked, doing=question.moving)
        try:
            done = await question.move(asked, force, reason, by)
        except MoveError as error:
            said = f"{question.title}: {error}"
            self._show_of(question, asked, problem=str(error))
        else:
            said = came_of(done)
            if done.refused:
                self._show_of(question, done, problem=said)
            elif self._question is question:
                self._dialog.close()
        finally:
            self._context.store.look_at_models()
        if not self._dialog.is_deleted:
            self._told(said)

    # ---- showing

    def _show_of(self, question: Question, asked: Outcome | None, *, problem: str = "") -> None:
        """Show an answer, if that is still the question."""
        if self._question is question and not self._dialog.is_deleted:
            self._show(asked, problem=problem)

    def _show(self, asked: Outcome | None, *, doing: str = "", problem: str = "") -> None:
        self._asked, self._doing = asked, doing
        self._wait.set_visibility(bool(doing))
        self._doing_label.set_text(doing)
        self._since = time.monotonic()
        self._timer.active = bool(doing)
        self._count()
        self._problem.set_visibility(bool(problem))
        self._problem_label.set_text(problem)
        self._verdict.set_text(gates_say(asked) if asked else "")
        self._gates.clear()
        if asked and asked.gates:
            with self._gates:
                _place_gates(asked.gates)
        self._draw()

    def _count(self) -> None:
        self._seconds.set_text(f"{time.monotonic() - self._since:.0f} s")

    def _draw(self) -> None:
        """Bring the fields and the button up to date."""
        question, asked = self._question, self._asked
        if question is None:
            return
        self._consequence.set_text(question.consequence(asked))
        self._force.set_visibility(bool(asked and asked.failing))
        self._answers.set_visibility(asked is not None and asked.version != asked.before)
        forced = bool(asked and asked.failing)
        self._reason.props(f'label="{"Reason, needed to force" if forced else "Reason"}"')
        for field in (self._force, self._reason, self._by):
            field.set_enabled(not self._doing)
        self._confirm.set_text(question.button(asked))
        self._confirm.set_enabled(self._allowed)


def _place_gates(gates: tuple[Gate, ...]) -> None:
    """A row for each gate; below one that does not hold, what to do."""
    with ui.element("table").classes("wp-registry wp-gates").mark("gates"):
        with ui.element("thead"), ui.element("tr"):
            for title in ("Gate", "Found", "Allowed"):
                with ui.element("th"):
                    ui.label(title)
        with ui.element("tbody"):
            for each in gates:
                with ui.element("tr").mark("holds" if each.holds else "fails"):
                    with ui.element("td"), ui.element("div").classes("wp-gate"):
                        icon, word = ("check_circle", "holds") if each.holds else ("cancel", "does not hold")
                        ui.icon(icon).classes(f"wp-gate-{'holds' if each.holds else 'fails'}").props(
                            f'role="img" aria-label="{word}"'
                        )
                        with ui.element("div"):
                            ui.label(each.gate)
                            if not each.holds:
                                ui.label(each.remedy).classes("wp-about")
                    for text in (each.value, each.bound):
                        with ui.element("td"):
                            ui.label(text)
