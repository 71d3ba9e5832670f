"""Browsers without a screen: clients that open a page of the dashboard and hold its socket, and draw nothing.

Twenty real browsers would take the processor from the server that is to be measured. As a browser does, they
acknowledge what they got, and say that a figure is drawn: until then it is sent whole whenever it has grown.
"""

from __future__ import annotations

import asyncio
import json
import re
import urllib.request
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import socketio

SOCKET = "_nicegui_ws/socket.io"

DRAWN = "plotly_afterplot"

ACKNOWLEDGED = 10
"""Messages between two acknowledgements."""

PATIENCE_S = 60.0
"""Until a server that does not answer counts as gone; the library waits one second, which a busy machine may need."""


class Client:
    """One page: `messages` counts what the server has sent it."""

    def __init__(self, port: int, path: str) -> None:
        self._address, self._path = f"http://127.0.0.1:{port}", path
        self._socket = socketio.AsyncClient(reconnection=False)
        self.messages = 0
        self._socket.on("*", self._count)

    async def open(self) -> None:
        """Raises: RuntimeError: the page is none of NiceGUI's."""
        page = await asyncio.to_thread(self._page)
        found = re.search(r"['\"]client_id['\"]:\s*['\"]([0-9a-f-]{36})", page)
        if found is None:
            raise RuntimeError(f"{self._address}{self._path} must be a page of the dashboard, but holds no client id")
        ids = {name: str(uuid.uuid4()) for name in ("tab_id", "document_id")}
        self._about = {"client_id": found[1], **ids, "next_message_id": 0}
        await self._socket.connect(
            self._address, socketio_path=SOCKET, transports=["websocket"], wait_timeout=PATIENCE_S
        )
        await self._socket.call("handshake", self._about)
        await self._draw(_elements(page))

    def _page(self) -> str:
        with urllib.request.urlopen(f"{self._address}{self._path}", timeout=60) as answer:
            return str(answer.read().decode())

    async def _count(self, event: str, data: Any = None, *_: Any) -> None:
        """What has been drawn is acknowledged, so that the server need not keep it."""
        self.messages += 1
        if event == "update":
            await self._draw(data)
        number = data.get("_id") if isinstance(data, dict) else None
        if number is not None and number % ACKNOWLEDGED == 0:
            await self._socket.emit("ack", {"client_id": self._about["client_id"], "next_message_id": number + 1})

    async def _draw(self, elements: Mapping[str, Any]) -> None:
        """Tell of each figure among the elements, as NiceGUI's page does."""
        for number, element in elements.items():
            events = element.get("events", ()) if isinstance(element, dict) else ()
            for listener in (each["listener_id"] for each in events if each["type"] == DRAWN):
                told = {"id": int(number), "listener_id": listener, "args": []}
                await self._socket.emit("event", {"client_id": self._about["client_id"], **told})

    async def close(self) -> None:
        """Leave."""
        await self._socket.disconnect()


def _elements(page: str) -> dict[str, Any]:
    """What a page begins with, by number."""
    found = re.search(r"parseElements\(String\.raw`(.*?)`\)", page, re.DOTALL)
    text = found[1] if found else "{}"
    for escaped, plain in (("&#36;", "$"), ("&#96;", "`"), ("&gt;", ">"), ("&lt;", "<"), ("&amp;", "&")):
        text = text.replace(escaped, plain)
    return dict(json.loads(text))


@asynccontextmanager
async def pages(port: int, count: int, path: str) -> AsyncIterator[list[Client]]:
    """So many clients at once."""
    clients = [Client(port, path) for _ in range(count)]
    for client in clients:
        await client.open()
    try:
        yield clients
    finally:
        for client in clients:
            await client.close()
