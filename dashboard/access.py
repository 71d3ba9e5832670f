"""Who may see the dashboard: everybody on this machine, or whoever knows the password.

Passwords and cookies; knows no run and no page but the one that asks.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets

from nicegui import app, ui
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp

OPEN = frozenset({"/login", "/healthz"})

PAUSE_SECONDS = 0.5
"""Before each answer to a password, so that trying many takes long."""


class Guard(BaseHTTPMiddleware):
    """Sends whoever has not given the password to the login page; files are refused."""

    def __init__(self, app: ASGIApp, session: str) -> None:
        """Args: session: what a user's storage holds once the password was given to this process."""
        super().__init__(app)
        self._session = session

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Let a request pass, or not."""
        path = request.url.path.removeprefix(request.scope.get("root_path", ""))
        if path in OPEN or path.startswith("/_nicegui/"):
            return await call_next(request)
        if app.storage.user.get("admitted") != self._session:
            refused = path.startswith("/artifact/")
            return Response(status_code=401) if refused else RedirectResponse("/login")  # NiceGUI adds a proxy's prefix
        response = await call_next(request)
        response.headers["X-Frame-Options"] = "DENY"
        return response


def require(password: str) -> None:
    """Ask everybody for the password."""
    session = secrets.token_hex(16)  # whoever was admitted by an earlier process is asked again
    app.add_middleware(Guard, session=session)

    @ui.page("/login", title="wallpaper")
    def login() -> None:
        async def check() -> None:
            await asyncio.sleep(PAUSE_SECONDS)
            if hmac.compare_digest(str(typed.value).encode(), password.encode()):
                app.storage.user["admitted"] = session
                ui.navigate.to("/")
            else:
                typed.set_value("")
                ui.notify("Wrong password", type="negative")

        ui.dark_mode(True)
        with ui.card().classes("absolute-center w-80"):
            ui.label("wallpaper dashboard").classes("text-lg")
            typed = ui.input("Password", password=True).props("autofocus outlined").classes("w-full")
            typed.on("keydown.enter", check)
            ui.button("Enter", on_click=check).classes("w-full")
