"""`wallpaper import` as a user meets it: the summary, the report, and each mistake."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import call, succeed
from wallpaper.data import PatternStore
from wallpaper.patterns import generate_pattern
from wallpaper.pictures import render

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's own


@pytest.fixture(scope="module")
def seen() -> np.ndarray:
    pattern = generate_pattern("p4m", 2, 64)
    return render(pattern.pixels, pattern.lattice, size=140, cells=3.2, rotation=15)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: np.ndarray) -> Path:
    """A folder of pictures that is the current one's `in`."""
    monkeypatch.chdir(tmp_path)
    for name in ("p4m/a.png", "p2/b.png", "misc/c.png"):
        Path("in", name).parent.mkdir(parents=True)
        Image.fromarray(seen).save(Path("in", name))
    Path("in/notes.txt").write_text("")
    Path("in/text.png").write_text("no picture")
    Path("void").mkdir()
    return tmp_path


def test_every_picture_is_accounted_for(folder: Path) -> None:
    result = succeed("import", "in", "-o", "out/p.h5", "--size", 32, "--workers", 1, "--on-mismatch", "relabel")
    assert result.stdout.splitlines() == [
        "claimed    pictures  found",
        "p2                1  p4m 1",
        "p4m               1  p4m 1",
        "(no claim)        2  p4m 1, none 1",
        "1 not stored:",
        "  in/text.png: not a picture that can be read; give a PNG, JPEG or TIFF file",
        "1 other than claimed, but stored:",
        "  in/p2/b.png: claims p2, but has p4m",
        "3 of 4 pictures in out/p.h5 (1 unreadable, 2 stored, 1 relabelled)",
        "Report: out/p.report.json. Next: wallpaper train-vae --data out/p.h5",
    ]
    assert "in/misc: no group has this name, so its pictures (1) claim none" in result.stderr
    assert "passed over, no pictures by their names (1): in/notes.txt" in result.stderr
    report = json.loads(Path("out/p.report.json").read_text())
    assert (report["pictures"], report["stored"], report["passed_over"]) == (4, 3, ["in/notes.txt"])
    assert {entry["source"] for entry in report["entries"]} == {
        "in/text.png", "in/p4m/a.png", "in/p2/b.png", "in/misc/c.png"
    }  # fmt: skip
    assert len(PatternStore("out/p.h5").splits["train"]) >= 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-o x/p.h5", "Missing argument 'INPUTS...'."),
        ("in", "Missing option '-o' / '--output'."),
        ("void -o x/p.h5", "void: no pictures found; give .png, .jpg, .jpeg, .tif, .tiff or .h5 files"),
        ("nowhere -o x/p.h5", "nowhere: no such file or folder; check the path"),
        ("in -o x/p.h5 --on-mismatch ask", "Invalid value for '--on-mismatch': 'ask' is not one of 'drop', 'relabel'"),
        ("in -o x/p.h5 --size 8", "Invalid value for '--size': 8 is not in the range x>=16."),
        ("in -o .", "Invalid value for '-o' / '--output': File '.' is a directory."),
    ],
)
def test_mistakes_are_explained_and_leave_nothing(folder: Path, line: str, message: str) -> None:
    before = sorted(folder.rglob("*"))
    result = call("import", *line.split())
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].removeprefix("Error: ").startswith(message)
    assert sorted(folder.rglob("*")) == before


def test_a_mismatch_as_an_error_writes_the_report_only(folder: Path) -> None:
    result = call("import", "in", "-o", "out/p.h5", "--size", 32, "--workers", 1, "--on-mismatch", "error")
    assert result.exit_code == 2
    last = result.stderr.splitlines()[-1]
    assert last.startswith(
        "Error: 1 of 4 pictures have another group than they claim, first in/p2/b.png, which claims p2"
    )
    assert [path.name for path in Path("out").iterdir()] == ["p.report.json"]
