"""Serves the dashboard of the store that the environment names.

A process of its own, started by `dashboard.command` with checked options.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import click
import mlflow  # noqa: F401 - before its plug-in, and before the page is offered: loading it takes seconds

from wallpaper.checkout import project_root
from wallpaper.store_address import tracking_uri, without_passwords

STORAGE = ".nicegui"
"""In the project's folder: what users have set."""

os.environ.setdefault("NICEGUI_STORAGE_PATH", str(project_root() / STORAGE))  # before NiceGUI is loaded

from nicegui import app, ui  # noqa: E402
from starlette.middleware.gzip import GZipMiddleware  # noqa: E402

from dashboard.app import TITLE, create_app  # noqa: E402
from dashboard.store import Store  # noqa: E402
from dashboard.store.source import Source  # noqa: E402

SECRET = "WALLPAPER_DASHBOARD_SECRET"

RECONNECT_SECONDS = 60.0
"""A browser that is busy drawing answers late; by default it would be dropped, and the page reload itself."""

TAB_SECONDS = 600.0
"""NiceGUI remembers every browser's tab for 30 days by default; nothing is kept there."""


def serve(host: str, port: int, password: str, *, read_only: bool = False) -> None:
    """Serve until Ctrl-C. Args: password: asked of everybody; empty for none. read_only: nobody moves an alias."""
    store = Store(Source(tracking_uri()))
    create_app(store, password=password, read_only=read_only)
    app.on_startup(store.start)
    shown = f"[{host}]" if ":" in host else host
    announced = f"Dashboard of {without_passwords(store.uri)}: http://{shown}:{port}  (Ctrl-C ends it)"
    app.on_startup(lambda: click.echo(announced))
    app.on_shutdown(store.stop)
    app.storage.max_tab_storage_age = TAB_SECONDS
    ui.run(
        host=host, port=port, title=TITLE, reload=False, show=False, language="en-US", dark=True, tailwind=False,
        show_welcome_message=False, reconnect_timeout=RECONNECT_SECONDS,
        storage_secret=os.environ.get(SECRET) or own_secret(project_root() / STORAGE / "secret"),
        gzip_middleware_factory=lambda inner: GZipMiddleware(inner, compresslevel=3),
    )  # fmt: skip


def own_secret(file: Path) -> str:
    """A secret that only this user can read, made once: what people have set outlasts a restart."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text(encoding="utf-8") or secrets.token_hex(32)
    except OSError:  # a folder that cannot be written to
        return secrets.token_hex(32)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(secret := secrets.token_hex(32))
    return secret
