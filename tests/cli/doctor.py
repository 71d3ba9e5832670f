"""What `wallpaper doctor` says, as data."""

from __future__ import annotations

import json

from tests.cli.conftest import call


def findings() -> tuple[int, dict[str, list[tuple[str, str, str]]]]:
    """Exit code, and by subject: verdict, what is said, remedy."""
    result = call("doctor", "--json")
    found: dict[str, list[tuple[str, str, str]]] = {}
    for row in json.loads(result.stdout):
        found.setdefault(row["subject"], []).append((row["verdict"], row["said"], row["remedy"]))
    return result.exit_code, found
