"""Puts the dashboard together: its page, the route of runs' files, and who may see them.

The only module that registers routes of the process; knows no option of the command line.
"""

from __future__ import annotations

import mimetypes
import posixpath
import re
from pathlib import Path

from fastapi import HTTPException
from fastapi.responses import FileResponse
from nicegui import app, run, ui

from dashboard import access, making_routes
from dashboard.making.uploads import MOST_BYTES
from dashboard.pages.context import Context
from dashboard.pages.page import Page
from dashboard.promotion import Mover
from dashboard.shell import shell
from dashboard.store import Store

TITLE = "wallpaper"

STYLE = Path(__file__).with_name("static") / "style.css"

QUIET = """<script>
window.addEventListener("unhandledrejection", (event) => {
  if (String(event.reason?.message).startsWith("Resize must be passed a displayed plot")) event.preventDefault();
});
</script>"""
"""NiceGUI has plotly fit a figure to its box also when its tab is hidden, and plotly refuses."""

SHOWN = (".png", ".gif", ".jpg", ".jpeg", ".webp", ".mp4", ".json", ".txt", ".log", ".csv", ".npz")
"""What may be fetched of a run's files; a page or a picture with scripts in it may not."""


RUN = re.compile("[0-9a-f]{32}")
"""An id of a run, in an address."""


def create_app(store: Store, *, password: str = "", read_only: bool = False) -> None:
    """Register the pages of the process's one NiceGUI app. The caller starts the store, and then `ui.run`.

    Args:
        password: asked of everybody; empty for none.
        read_only: nobody can promote or roll back.
    """
    style = STYLE.read_text(encoding="utf-8")
    if password:
        access.require(password)
    access.refuse_other_sites(local=not password)
    access.limit_bodies(MOST_BYTES)
    making_routes.register(store)
    mover = None if read_only else Mover(store.uri)
    if mover is not None:
        app.on_shutdown(mover.stop)

    @ui.page("/", title=TITLE)
    def page(tab: str = "", run: str = "") -> None:
        ui.add_css(style)
        ui.add_head_html(QUIET)
        context = Context(store, mover, run if RUN.fullmatch(run) else "")
        ui.context.client.on_delete(context.close)
        ui.add_body_html(shell(context.theme))
        Page(context, tab)

    @app.get("/artifact/{run_id}/{path:path}")
    async def artifact(run_id: str, path: str) -> FileResponse:
        kind = posixpath.splitext(path)[1].lower()
        if kind not in SHOWN:
            raise HTTPException(404)
        try:
            found = await run.io_bound(store.file, run_id, path)
        except (ValueError, OSError):
            found = None
        if found is None:
            raise HTTPException(404)
        return FileResponse(
            found,
            media_type=mimetypes.types_map.get(kind, "application/octet-stream"),
            headers={
                "Cache-Control": "private, max-age=86400",
                "X-Content-Type-Options": "nosniff",
                "Content-Security-Policy": "default-src 'none'; sandbox",
            },
        )

    @app.get("/healthz")
    def health() -> dict[str, bool]:
        return {"store": store.connection.is_up}
