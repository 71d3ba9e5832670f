"""The documentation's site, built as `make docs` builds it: without a warning, whole, and asking no other host."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from wallpaper.cli import COMMANDS

ROOT = Path(__file__).parents[2]
MODULES = ("plane", "symmetry", "judge", "patterns", "data", "pictures")
"""Packages whose public names are what they list."""

REQUESTS = re.compile(r"<(?:script|img|source|iframe|video)[^>]*\bsrc=[\"']?([^\"' >]+)|<link\b([^>]*)>|url\(([^)]+)\)")
FOREIGN = re.compile(r"^[\"']?(?:https?:)?//")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=250, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def anchors(page: Path) -> set[str]:
    return set(re.findall(r'\bid="([^"]+)"', page.read_text(encoding="utf-8")))


def place(package: str, name: str) -> str:
    """The anchor of a public name; of the function where a module is called the same."""
    return f"{package}.{name}" + f".{name}" * (importlib.util.find_spec(f"{package}.{name}") is not None)


def test_every_page_is_there(site: Path) -> None:
    written = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    made = {Path("changelog.html"), Path("contributing.html"), Path("model-card.html"), Path("reference/commands.html")}
    pages = {path.relative_to(site) for path in site.rglob("*.html")} - {Path("404.html")}
    assert pages == written | made


@pytest.mark.parametrize("name", MODULES)
def test_the_reference_has_every_public_name(site: Path, name: str) -> None:
    module = importlib.import_module(f"wallpaper.{name}")
    found = anchors(site / "reference" / f"{name}.html")
    assert [each for each in module.__all__ if place(module.__name__, each) not in found] == []


def test_the_commands_page_has_every_command(site: Path) -> None:
    page = site / "reference" / "commands.html"
    assert anchors(page) >= set(COMMANDS)
    text = page.read_text(encoding="utf-8")
    for option in ("--n-frames", "--gpus-per-trial", "--held-out-pairs"):
        assert option in text


def test_formulas_are_mathml(site: Path) -> None:
    pages = {path: path.read_text(encoding="utf-8") for path in (site / "explanation").glob("*.html")}
    assert all("<math" in text for text in pages.values())
    assert [path.name for path, text in pages.items() if "arithmatex" in text] == []


def test_no_page_asks_another_host(site: Path) -> None:
    asked = []
    for path in [*site.rglob("*.html"), *site.rglob("*.css")]:
        for source, link, url in REQUESTS.findall(path.read_text(encoding="utf-8")):
            target = re.search(r'href="?([^" >]+)', link)
            asked += [(path.name, each) for each in (source, target[1] if target else "", url) if FOREIGN.match(each)]
    assert asked == []


def test_a_foreign_script_would_be_noticed() -> None:
    for text in ('<script src="https://cdn.example/x.js">', "<link rel=stylesheet href=//cdn.example/x.css>"):
        ((source, link, _),) = REQUESTS.findall(text)
        target = re.search(r'href="?([^" >]+)', link)
        assert FOREIGN.match(source or (target[1] if target else ""))
