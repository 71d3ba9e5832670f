"""Lists the licences of everything that constraints.txt names, as the packages installed here state them.

`python -m docs.licences` writes docs/licences.md; a test compares the names. Licences are stated, not judged.
"""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "licences.md"

HEAD = """# Licences

wallpaper is under the MIT licence. What it is installed with, in the versions of `constraints.txt`, states these
licences in its own metadata; `python -m docs.licences` writes this page. None of these packages is part of the wheel.

| package | version | licence |
|---|---|---|
"""

LONGEST = 60
"""Characters beyond which a stated licence is a whole text; then the classifiers say it."""


def pinned() -> dict[str, str]:
    """The version of each package that constraints.txt names."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = (re.fullmatch(r"([\w.-]+)==([\w.]+)", line) for line in lines)
    return {match[1]: match[2] for match in found if match}


def licence(name: str) -> str:
    """What an installed package says of its licence.

    Raises: importlib.metadata.PackageNotFoundError: it is not installed.
    """
    about = metadata.metadata(name).json
    classified = [text for text in about.get("classifier", []) if text.startswith("License ::")]
    classifiers = [text.rpartition(" :: ")[2] for text in classified]
    stated = str(about.get("license_expression") or about.get("license") or "")
    short = stated if "\n" not in stated and len(stated) <= LONGEST and stated != "UNKNOWN" else ""
    return short or ", ".join(classifiers) or "see the package"


def page() -> str:
    """The Markdown page."""
    rows = (f"| {name} | {version} | {licence(name)} |\n" for name, version in pinned().items())
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
