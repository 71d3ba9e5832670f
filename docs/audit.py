"""Looks the pinned versions up: which have known vulnerabilities, which are behind the newest release.

`python -m docs.audit` writes docs/audit.md, with the day. Advisories are PyPI's, of the Python Packaging Advisory
Database; where they cannot be had the page says so, and the releases, which any index knows, are what is recorded.
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import click

from docs.licences import ROOT, pinned

PAGE = ROOT / "docs" / "audit.md"

ADVISORIES = "https://pypi.org/pypi/{name}/{version}/json"

SECONDS = 10.0

HEAD = """# Audit of the dependencies

`python -m docs.audit` looked up the {count} versions of `constraints.txt` on {day}, and wrote this page. A test
compares the list of pins with the file's, so that a page about others is noticed.

"""

NOT_HAD = """**Known vulnerabilities: not asked.** PyPI's advisories were out of reach where this page was written.
`pipx run pip-audit -r requirements.lock --disable-pip --require-hashes` asks for them on one that reaches PyPI.
"""


def plain(name: str) -> str:
    """As indexes compare names."""
    return name.lower().replace("_", "-").replace(".", "-")


def advisories(pins: dict[str, str]) -> dict[str, list[str]] | None:
    """Ids of what is known of each pin, where something is; None where nobody can be asked."""
    found: dict[str, list[str]] = {}
    for name, version in pins.items():
        try:
            with urlopen(ADVISORIES.format(name=name, version=version), timeout=SECONDS) as answer:
                about: dict[str, Any] = json.load(answer)
        except (URLError, OSError, ValueError):
            return None
        ids = [str(each["id"]) for each in about.get("vulnerabilities", ()) if not each.get("withdrawn")]
        found |= {name: ids} if ids else {}
    return found


def newer(pins: dict[str, str]) -> dict[str, str]:
    """The newest release of each pin that is behind it, as this environment's index has it."""
    command = [sys.executable, "-m", "pip", "list", "--outdated", "--format=json", "--disable-pip-version-check"]
    listed = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    known = {plain(row["name"]): row["latest_version"] for row in listed}
    return {name: known[plain(name)] for name in pins if plain(name) in known}


def page(pins: dict[str, str], known: dict[str, list[str]] | None, behind: dict[str, str], day: str) -> str:
    """The Markdown page."""
    if known is None:
        said = NOT_HAD
    elif known:
        said = "**Known vulnerabilities:**\n\n" + "".join(
            f"- {name} {pins[name]}: {', '.join(ids)}\n" for name, ids in known.items()
        )
    else:
        said = "**Known vulnerabilities: none.**\n"
    rows = "".join(f"| {name} | {pins[name]} | {newest} |\n" for name, newest in behind.items())
    table = (
        f"\n{len(behind)} pins are behind the newest release:\n\n| package | pinned | newest |\n|---|---|---|\n{rows}"
    )
    listed = "\nLooked up: " + ", ".join(f"{name} {version}" for name, version in pins.items()) + ".\n"
    return HEAD.format(count=len(pins), day=day) + said + table + rows + listed


@click.command()
def main() -> None:
    """Look all pins up and write docs/audit.md; exit code 1 if one has a known vulnerability."""
    pins = pinned()
    known = advisories(pins)
    PAGE.write_text(page(pins, known, newer(pins), datetime.now(UTC).date().isoformat()), encoding="utf-8")
    click.echo("advisories could not be had" if known is None else f"{len(known)} pins with known vulnerabilities")
    sys.exit(1 if known else 0)


if __name__ == "__main__":
    main()
