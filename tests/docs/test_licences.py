"""docs/licences.md names every package that constraints.txt fixes, in that version, and states a licence for each."""

from __future__ import annotations

import re

from docs.licences import PAGE, licence, pinned


def rows() -> dict[str, tuple[str, str]]:
    text = PAGE.read_text(encoding="utf-8")
    found = re.findall(r"^\| *([\w.-]+) *\| *([\w.]+) *\| *(.+?) *\|$", text, re.MULTILINE)
    return {name: (version, stated) for name, version, stated in found if name != "package"}


def test_the_page_names_what_is_installed() -> None:
    listed = {name: version for name, (version, _) in rows().items()}
    assert listed == pinned(), "constraints.txt has changed: python -m docs.licences"


def test_licences_are_those_that_packages_state() -> None:
    listed = rows()
    for name in ("numpy", "click", "mlflow", "torch"):
        assert listed[name][1] == licence(name)
    assert sum(stated == "see the package" for _, stated in listed.values()) <= 5
