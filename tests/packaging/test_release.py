"""What is released: the wheel holds the library with its model and nothing else, the archive what it is built from."""

from __future__ import annotations

import re
import tarfile
import tomllib
import zipfile
from pathlib import Path

import yaml

from tests.packaging.conftest import ROOT, tracked
from wallpaper import __version__

MOST_BYTES = 15_000_000
"""Of the source archive; most of it are the documents' pictures."""


def test_the_wheel_is_the_library_and_its_model(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[1]) as wheel:
        names = set(wheel.namelist())
    inside = {name for name in tracked() if name.startswith("wallpaper/") and name.endswith(".py")}
    model = {f"wallpaper/shipped/{name}" for name in ("CARD.md", "model.json", "ode.safetensors", "vae.safetensors")}
    about = f"wallpaper-{__version__}.dist-info/"
    assert {name for name in names if not name.startswith(about)} == inside | model
    assert names >= {f"{about}{name}" for name in ("METADATA", "RECORD", "entry_points.txt", "licenses/LICENSE")}


def test_the_wheel_says_what_it_is(built: tuple[Path, Path]) -> None:
    about = f"wallpaper-{__version__}.dist-info"
    with zipfile.ZipFile(built[1]) as wheel:
        metadata = wheel.read(f"{about}/METADATA").decode()
        entries = wheel.read(f"{about}/entry_points.txt").decode()
    assert f"Version: {__version__}\nSummary: Learned" in metadata
    assert "License-Expression: MIT" in metadata
    assert re.search(r"^Requires-Dist: mlflow.*extra == \"apps\"$", metadata, re.MULTILINE)
    assert not re.search(r"^Requires-Dist: (mlflow|ray|optuna|nicegui|pytest)(?!.*extra)", metadata, re.MULTILINE)
    assert "wallpaper = wallpaper.cli:main" in entries


def test_the_archive_is_the_whole_checkout(built: tuple[Path, Path]) -> None:
    """Packagers find the applications, the tests with all that they read, the documents and the pins; nothing more."""
    with tarfile.open(built[0]) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    assert {name for name in names if not name.startswith("wallpaper.egg-info/")} == {
        *tracked(),
        "PKG-INFO",
        "setup.cfg",
    }
    assert built[0].stat().st_size < MOST_BYTES


def test_the_citation_is_of_this_version() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (cited["version"], cited["license"]) == (__version__, project["license"])
    assert set(cited) >= {"cff-version", "message", "title", "authors"}


def test_hooks_before_a_commit_are_the_projects_own_tools() -> None:
    """No hook is fetched from anywhere, and each runs what `make test` runs."""
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert repository["repo"] == "local"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for hook in repository["hooks"]:
        assert hook["language"] == "system"
        tool = hook["entry"].split()[0].removeprefix(".venv/bin/")
        assert f"$(BIN)/{tool}" in makefile
    typed = {path.parent.name for path in ROOT.glob("*/*.py")} - {"tests"}
    assert set(repository["hooks"][-1]["args"]) == typed
