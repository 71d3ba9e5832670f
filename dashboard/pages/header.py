"""The header: name, run picker, how the run is, theme and keyboard help.

Places elements and passes on what was chosen; computes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from nicegui import app, ui
from nicegui.events import KeyEventArguments

from dashboard.pages.context import Context
from dashboard.pages.picker import Picker
from dashboard.shell import MARK
from dashboard.theme import DARK

KEYS = (
    ("1 – 9", "show a tab"),
    ("R", "choose a run"),
    ("D", "dark or light"),
    ("?", "this help"),
    ("Esc", "close what is open"),
)


class Header:
    """The uppermost bar of the page."""

    def __init__(self, context: Context, switched: Callable[[], None], key: Callable[[str], None]) -> None:
        """Args: switched: called when the theme has changed. key: gets the digits that are typed."""
        self._context, self._switched, self._key = context, switched, key
        app.storage.user.setdefault("dark", True)
        self._colours()
        with ui.element("header").classes("wp-header"):
            ui.html(MARK, sanitize=False).classes("wp-mark")
            ui.label("wallpaper").classes("wp-name").props('role="heading" aria-level="1"')
            self._picker = Picker(context)
            with ui.element("div").classes("wp-state").props('role="status"').mark("state"):
                self._dot = ui.element("span").classes("wp-dot").props('aria-hidden="true"')
                self._state = ui.label("").mark("state-text")
            ui.element("div").classes("wp-space")
            self._theme = (
                ui.button(icon=self._icon(), on_click=self._toggle, color=None)
                .props('flat round aria-label="Dark or light (D)"')
                .classes("wp-quiet")
                .mark("theme")
            )
            ui.button(icon="keyboard", on_click=self._show_help, color=None).props(
                'flat round aria-label="Keyboard help (?)"'
            ).classes("wp-quiet wp-only-wide").mark("keys")
        self._help = self._place_help()
        self._dark = ui.dark_mode(bool(app.storage.user["dark"])).bind_value(app.storage.user, "dark")
        self._dark.on_value_change(self._changed)
        ui.keyboard(on_key=self._on_key, repeating=False, ignore=["input", "select", "textarea"])

    def update(self, state: str) -> None:
        """Show the chosen run and how it is."""
        self._picker.update()
        self._state.set_text(state.capitalize())
        self._dot.classes(replace=f"wp-dot wp-{state}")

    def _toggle(self) -> None:
        self._dark.toggle()

    def _changed(self) -> None:
        self._colours()
        self._theme.props(f"icon={self._icon()}")
        self._switched()

    def _icon(self) -> str:
        return "dark_mode" if self._context.theme is DARK else "light_mode"

    def _colours(self) -> None:
        theme = self._context.theme
        ui.colors(
            primary=theme.primary,
            secondary=theme.secondary,
            accent=theme.accent,
            dark=theme.card,
            dark_page=theme.background,
        )

    def _place_help(self) -> ui.dialog:
        with ui.dialog() as dialog, ui.card().classes("wp-help"):
            ui.label("Keys").classes("wp-h2").props('role="heading" aria-level="2"')
            for key, meaning in KEYS:
                with ui.element("div").classes("wp-help-row"):
                    ui.label(key).classes("wp-key")
                    ui.label(meaning)
        return dialog

    def _show_help(self) -> None:
        self._help.open()

    def _on_key(self, event: KeyEventArguments) -> None:
        typed = str(event.key.name)
        modifiers = event.modifiers
        if not event.action.keydown or modifiers.ctrl or modifiers.meta or modifiers.alt:
            return
        if typed in "dD":
            self._toggle()
        elif typed in "rR":
            self._picker.open()
        elif typed == "?":
            self._show_help()
        elif typed.isdecimal():
            self._key(typed)
