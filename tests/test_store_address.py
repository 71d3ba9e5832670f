"""Addresses of tracking stores, and what is said of one that does not answer."""

from __future__ import annotations

import pytest

from wallpaper.store_address import reason_of


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "API request to http://h:9/x failed with exception HTTPConnectionPool(host='h', port=9): Max "
            "retries exceeded with url: /x (Caused by NewConnectionError(\"HTTPConnection(host='h', port=9): Failed "
            'to establish a new connection: [Errno 111] Connection refused"))',
            "Connection refused",
        ),
        ("RESOURCE_DOES_NOT_EXIST: no such experiment\nTraceback", "RESOURCE_DOES_NOT_EXIST: no such experiment"),
        ("  ", "OSError"),
    ],
)
def test_why_a_store_does_not_answer_is_what_the_system_said(text: str, reason: str) -> None:
    assert reason_of(OSError(text)) == reason
