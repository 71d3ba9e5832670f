"""The tutorial, typed line by line into an empty folder: its commands, its Python file, and what they leave."""

from __future__ import annotations

import json
import re
import runpy
import shlex
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import succeed
from wallpaper.plane import GROUP_NAMES

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return found


def type_line(line: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Call what a shell would, in this process: the libraries are loaded already. Returns what it prints."""
    program, *words = shlex.split(line)
    if program == "wallpaper":
        return succeed(*words).output
    assert program == "python"
    monkeypatch.setattr(sys, "argv", words)
    runpy.run_path(str(folder / words[0]), run_name="__main__")
    return capsys.readouterr().out


def test_the_tutorial_runs_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "first").mkdir()
    (program,) = blocks("python")
    (tmp_path / "first" / "from_picture.py").write_text(program, encoding="utf-8")
    lines = [line for block in blocks("bash") for line in block.splitlines()]
    printed = {line.split()[1]: type_line(line, tmp_path, monkeypatch, capsys) for line in lines}
    assert list(printed) == ["generate", "identify", "relations", "transition", "first/from_picture.py", "export"]

    assert {path.name for path in (tmp_path / "first" / "pictures").iterdir()} == set(GROUP_NAMES)
    assert re.search(r"\bp4\b", printed["identify"].splitlines()[1])
    assert "both keep p2" in printed["relations"]
    assert "Widest route" in printed["relations"]
    found = json.loads((tmp_path / "first" / "certificates.json").read_text(encoding="utf-8"))["frames"]
    assert [row["verdict"] for row in (found[0], found[-1])] == ["exact", "exact"]
    assert printed["first/from_picture.py"] == "p4 to p6m keeps p2\n"
    for name, frames in (("seed.gif", 12), ("picture.gif", 24)):
        with Image.open(tmp_path / "first" / name) as animation:
            assert animation.n_frames == frames  # type: ignore[attr-defined]
    for name in ("tile.png", "tile.svg"):
        assert (tmp_path / "first" / name).stat().st_size > 1000
