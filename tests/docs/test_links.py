"""Links of the documents outside of docs/ lead to files that there are, and to headings in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")


def headings(path: Path) -> set[str]:
    """Anchors of a Markdown file's headings, as GitHub and the site make them."""
    found = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


def broken(text: str) -> list[str]:
    wrong = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://", link):
            continue
        name, _, anchor = link.partition("#")
        path = ROOT / name
        if not path.is_file() or (anchor and anchor not in headings(path)):
            wrong.append(link)
    return wrong


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    assert broken((ROOT / name).read_text(encoding="utf-8")) == []


def test_a_broken_link_is_noticed() -> None:
    text = (
        "[a](docs/no.md) [b](docs/results.md#nothing) [c](docs/results.md#what-training-costs) [d](https://semver.org)"
    )
    assert broken(text) == ["docs/no.md", "docs/results.md#nothing"]


def test_the_readme_begins_with_its_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    first = re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[0]
    assert [line.split("#")[0].strip() for line in first.splitlines()] == ["make demo", "make test"]
