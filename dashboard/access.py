"""Who may see the dashboard: everybody on this machine, or whoever knows the password; and no other site's page.

Passwords, cookies and origins; knows no run and no page but the one that asks.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

from nicegui import app, ui
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

OPEN = frozenset({"/login", "/healthz"})

FORM_BYTES = 2**16

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
        return await call_next(request)


class SameSite:
    """Answers nothing that another site's page asks for, and lets none show the dashboard in a frame.

    A browser sends a page's origin with every websocket, and NiceGUI looks at none: what is clicked goes over it. Where
    there is no password, another site's name could be made to lead to this machine, so only this machine's are known.
    """

    def __init__(self, app: ASGIApp, *, local: bool) -> None:
        """Args: local: there is no password."""
        self._app, self._local = app, local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request or a websocket pass, or not."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        reason = refusal(Headers(scope=scope), local=self._local)
        if reason:
            refused = PlainTextResponse(reason, 403) if scope["type"] == "http" else WebSocketClose()
            await refused(scope, receive, send)
            return

        async def unframed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Frame-Options"] = "DENY"
            await send(message)

        await self._app(scope, receive, unframed)


class BodyLimit:
    """Refuses what is longer than any upload may be by its announced length; NiceGUI would put it on the disk first."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        """Args: most: bytes of a file; a form's own words come on top."""
        self._app, self._most = app, most + FORM_BYTES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or not."""
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            length = Headers(scope=scope).get("content-length", "")
            if not length.isdecimal():
                await PlainTextResponse("A body must say how long it is.", 411)(scope, receive, send)
                return
            if int(length) > self._most:
                await PlainTextResponse(f"A body may have {self._most} bytes at most.", 413)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def refusal(headers: Mapping[str, str], *, local: bool) -> str:
    """Why a request is not answered, in a sentence; "" if it is. Args: local: only this machine's names are known.

    >>> refusal({"host": "127.0.0.1:8080", "origin": "http://127.0.0.1:8080"}, local=True)
    ''
    >>> refusal({"host": "wallpaper.example.org", "origin": "https://wallpaper.example.org:8443"}, local=False)
    ''
    """
    host = headers.get("host", "")
    if local and not _this_machine(host):
        return (
            f"Without a password the dashboard is asked for as localhost or 127.0.0.1, but was as {host[:200]!r}: "
            "set WALLPAPER_DASHBOARD_PASSWORD."
        )
    origin = headers.get("origin", "")
    if origin and not any(_same(origin, each) for each in (host, headers.get("x-forwarded-host", ""))):
        return (
            f"A page of {origin[:200]!r} asks the dashboard at {host[:200]!r}, which answers its own pages alone; "
            "a proxy must pass on the Host that it was asked for."
        )
    return ""


def _this_machine(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or name.endswith(".localhost") or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _same(origin: str, host: str) -> bool:
    """Whether an origin is that of a host; a proxy may pass on the host without its port."""
    try:
        theirs, ours = urlsplit(origin), urlsplit(f"//{host}")
        port = theirs.port or {"http": 80, "https": 443}.get(theirs.scheme)
        return bool(ours.hostname) and theirs.hostname == ours.hostname and ours.port in (None, port)
    except ValueError:
        return False


def refuse_other_sites(*, local: bool) -> None:
    """See `SameSite`."""
    app.add_middleware(SameSite, local=local)


def limit_bodies(most: int) -> None:
    """See `BodyLimit`."""
    app.add_middleware(BodyLimit, most=most)


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
        with ui.card().classes("absolute-center").style("width: 320px"):
            ui.label("wallpaper dashboard").classes("text-h6")
            typed = ui.input("Password", password=True).props("autofocus outlined").style("width: 100%")
            typed.on("keydown.enter", check)
            ui.button("Enter", on_click=check).style("width: 100%")
