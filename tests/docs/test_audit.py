"""docs/audit.md is about the versions that are pinned, and says what it could not ask."""

from __future__ import annotations

import io
import json
from urllib.error import URLError

import pytest

from docs import audit
from docs.licences import pinned


def test_the_page_is_about_the_pins() -> None:
    listed = audit.PAGE.read_text(encoding="utf-8").partition("Looked up: ")[2].rstrip(".\n").split(", ")
    found = dict(each.split(" ") for each in listed)
    assert found == pinned(), "constraints.txt has changed: python -m docs.audit"


def test_what_is_known_is_told_and_what_cannot_be_asked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    pins = {"good": "1.0", "bad": "2.0"}
    known = {"bad": [{"id": "PYSEC-1"}, {"id": "PYSEC-2", "withdrawn": "2026-01-01"}]}

    def answer(address: str, timeout: float) -> io.BytesIO:
        name = address.split("/")[-3]
        return io.BytesIO(json.dumps({"vulnerabilities": known.get(name, [])}).encode())

    monkeypatch.setattr(audit, "urlopen", answer)
    found = audit.advisories(pins)
    assert found == {"bad": ["PYSEC-1"]}
    text = audit.page(pins, found, {"good": "1.1"}, "2026-11-29")
    assert "- bad 2.0: PYSEC-1\n" in text
    assert "| good | 1.0 | 1.1 |" in text
    assert "Known vulnerabilities: none" in audit.page(pins, {}, {}, "")

    def away(*_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr(audit, "urlopen", away)
    assert audit.advisories(pins) is None
    assert "not asked" in audit.page(pins, None, {}, "")
