"""A picture of somebody's own to start from: given, judged, said in words, and taken back.

Limits and words come from `dashboard.making.uploads`.
"""

from __future__ import annotations

from collections.abc import Callable

from fastapi.dependencies import models as routed
from nicegui import events, ui

from dashboard.making import SHIPPED, RefusedPictureError, Start, maker_of, read_start
from dashboard.making.uploads import MOST_BYTES, TOO_LARGE
from dashboard.pages.context import Context, PageClosedError


class StartPicture:
    """The control in one page."""

    def __init__(
        self, context: Context, row: ui.element, started: Callable[[str], None], forgotten: Callable[[], None]
    ) -> None:
        """Args: row: where the button goes. started: gets the group of a picture. forgotten: there is none any more."""
        self._context, self._started, self._forgotten = context, started, forgotten
        self.chosen: Start | None = None
        ui.context.client.on_delete(_forget_routes)
        with row, ui.element("div").classes("wp-upload") as self._button:
            self._upload = (
                ui.upload(
                    on_upload=self._given,
                    on_rejected=self._refused,
                    max_file_size=MOST_BYTES,
                    auto_upload=True,
                )
                .props('accept="image/png,image/jpeg,image/webp"')
                .mark("upload")
            )
            self._ask = (
                ui.button("Choose a picture", icon="add_photo_alternate")
                .props("outline no-caps")
                .tooltip("A PNG, JPEG or WebP: its group is found")
                .on("click", lambda: self._upload.run_method("pickFiles"))
            )
        with ui.element("div").classes("wp-found") as self._box:
            self._words = ui.label("").classes("wp-found-words").props('role="status"').mark("certificate")
            ui.button(icon="close", on_click=self.forget).props(
                'flat dense round aria-label="Start at a seed again"'
            ).mark("forget")
        self._box.set_visibility(False)

    def show(self, shown: bool) -> None:
        """Show or hide it."""
        self._button.set_visibility(shown)
        self._box.set_visibility(shown and bool(self._words.text))

    def forget(self) -> None:
        """Start at a seed again."""
        self.chosen = None
        self._say("")
        self._forgotten()

    def keep_only(self, group: str) -> None:
        """A picture starts nothing but its own group."""
        if self.chosen is not None and self.chosen.group != group:
            self.forget()

    async def _given(self, event: events.UploadEventArguments) -> None:
        maker = maker_of(self._context.store)
        if event.file.size() > MOST_BYTES:  # whoever sends it without the page's own limit
            self._refused()
            return
        content = await event.file.read()
        self._ask.props("loading")
        try:
            side = (await self._context.off_loop(maker.models.get, SHIPPED)).resolution
            start = await self._context.off_loop(read_start, content, side)
        except PageClosedError:
            return
        except RefusedPictureError as error:
            self._say(str(error))
            return
        finally:
            self._ask.props(remove="loading")
            self._upload.reset()
        maker.add(start)
        self.chosen = start
        self._say(start.words)
        self._started(start.group)

    def _refused(self, _: events.UiEventArguments | None = None) -> None:
        self._say(TOO_LARGE)

    def _say(self, text: str) -> None:
        self._words.set_text(text)
        self._box.set_visibility(bool(text))


def _forget_routes() -> None:
    """Let go of routes that have been removed.

    An upload has a route of its own, and FastAPI keeps the last 4096 functions that were routes in caches, with the
    page that each reports to. What is in use is found again when it is needed.
    """
    for cache in vars(routed).values():
        if hasattr(cache, "cache_clear"):
            cache.cache_clear()
