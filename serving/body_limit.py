"""A limit on request bodies that holds while they come in: an ASGI app in front of another.

MLflow's server reads a body to its end before the model sees it. Here a larger one is refused by its announced length,
or at the byte where it passes the limit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from serving.body import MOST_BODY_BYTES
from serving.refusals import error_body

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class BodyLimit:
    """The app `inner`, which never sees more than `most` bytes of a body."""

    def __init__(self, inner: App, most: int = MOST_BODY_BYTES) -> None:
        self.inner, self.most = inner, most

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI has it."""
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"")
        if announced.isdigit() and int(announced) > self.most:
            await self._refuse(send, announced.decode())
            return
        received, answering, refused = 0, False, False

        async def counted() -> Message:
            nonlocal received, refused
            message = await receive()
            received += len(message.get("body", b""))
            if received <= self.most or answering:
                return message
            if not refused:
                refused = True
                await self._refuse(send, f"{received} and more")
            return {"type": "http.disconnect"}  # the inner app need not wait for the rest

        async def unless_refused(message: Message) -> None:
            nonlocal answering
            if not refused:
                answering = True
                await send(message)

        try:
            await self.inner(scope, counted, unless_refused)
        except Exception:
            if not refused:  # else it is what the inner app makes of the disconnection
                raise

    async def _refuse(self, send: Send, found: str) -> None:
        text = error_body(413, f"body: must be at most {self.most} bytes, but got {found}").encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(text)).encode())]
        headers.append((b"connection", b"close"))  # the rest is not read
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": text})
