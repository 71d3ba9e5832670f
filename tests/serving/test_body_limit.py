"""A body that is too long is refused while it comes in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import pytest

from serving.body_limit import BodyLimit

LIMIT = 10


def serve(chunks: Iterable[bytes], headers: list[tuple[bytes, bytes]] | None = None) -> tuple[int, bytes, int]:
    """Status and body of the answer, and how many chunks were read; the inner app echoes the body's length."""
    sent: list[dict[str, Any]] = []
    waiting = list(chunks)
    count = len(waiting)

    async def receive() -> dict[str, Any]:
        chunk = waiting.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(waiting)}

    async def send(message: Any) -> None:
        sent.append(message)

    async def inner(_: Any, receive: Any, send: Any) -> None:
        length, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                await send({"type": "http.response.start", "status": 500, "headers": []})  # as Starlette does
                raise ConnectionError("the client has gone")
            length, more = length + len(message["body"]), message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"%d" % length})

    asyncio.run(BodyLimit(inner, LIMIT)({"type": "http", "headers": headers or []}, receive, send))
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    return sent[0]["status"], sent[1]["body"], count - len(waiting)


@pytest.mark.parametrize("chunks", [[b""], [b"x" * 10], [b"x" * 4, b"x" * 6]])
def test_what_is_within_the_limit_passes(chunks: list[bytes]) -> None:
    length = sum(map(len, chunks))
    assert serve(chunks, [(b"content-length", b"%d" % length)]) == (200, b"%d" % length, len(chunks))


def test_an_announced_length_is_refused_unread() -> None:
    status, text, read = serve([b"x"], [(b"content-length", b"11")])
    assert (status, read) == (413, 0)
    assert json.loads(text) == {
        "error_code": "REQUEST_TOO_LARGE",
        "message": "body: must be at most 10 bytes, but got 11",
    }


def test_what_comes_unannounced_is_refused_where_it_passes_the_limit() -> None:
    status, text, read = serve([b"x" * 4] * 1000)
    assert (status, read) == (413, 3)
    assert json.loads(text)["message"] == "body: must be at most 10 bytes, but got 12 and more"


def test_a_defect_of_the_inner_app_is_not_hidden() -> None:
    async def inner(*_: Any) -> None:
        raise RuntimeError("defect")

    async def nothing(*_: Any) -> Any:
        return None

    with pytest.raises(RuntimeError, match="defect"):
        asyncio.run(BodyLimit(inner, LIMIT)({"type": "http", "headers": []}, nothing, nothing))
