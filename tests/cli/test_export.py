"""`wallpaper export` as a user meets it: each form, and each mistake."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import call, succeed
from wallpaper.plane import GROUP_NAMES

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's own


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with 17 patterns, which is the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    with h5py.File("data/patterns.h5", "w") as file:
        file["patterns"] = np.random.default_rng(0).integers(0, 256, (17, 16, 16, 3), dtype=np.uint8)
        file["labels"], file["group_names"] = np.arange(17), np.array(GROUP_NAMES, dtype="S4")
    return tmp_path


def test_a_seed_becomes_a_tile_and_a_drawing(folder: Path) -> None:
    shown = succeed("export", "--pattern", "p4m:7", "--tile", "t.png", "--svg", "t.svg", "--size", 100).stdout
    assert shown.splitlines() == [
        "t.png: seed 7 (p4m), 100 x 100 pixels, 1 cell, aspect exact",
        "t.svg: seed 7 (p4m), its cell as a fill pattern",
    ]
    with Image.open("t.png") as image:
        assert image.size == (100, 100)
    assert "<title>p4m, seed 7</title>" in Path("t.svg").read_text()


def test_a_pattern_of_a_file_becomes_a_tile(folder: Path) -> None:
    shown = succeed("export", "data/patterns.h5", "--index", 16, "--tile", "t.png", "--size", 97).stdout
    assert shown == "t.png: pattern 16 (p6m), 97 x 168 pixels, 2 cells, aspect off by 0.0053 %\n"


def test_a_file_becomes_a_plain_file_and_pictures(folder: Path) -> None:
    shown = succeed(
        "export", "data/patterns.h5", "-o", "plain/p.h5", "--images", "pictures", "--size", 32, "--dtype", "uint8"
    ).stdout
    assert shown.splitlines() == [
        "plain/p.h5: 17 patterns, cartesian frame, uint8; splits.npz beside it",
        "pictures/<group>/*.png: 17 pictures",
    ]
    assert len(list(Path("pictures").glob("*/*.png"))) == 17
    with h5py.File("plain/p.h5") as file:
        assert file["patterns"].shape == (17, 32, 32, 3)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "give either a file of patterns or --pattern GROUP:SEED, but got neither"),
        ("data/patterns.h5 --pattern p1:0 --tile x.png", "give either a file of patterns or --pattern"),
        ("data/patterns.h5", "say what to write: --tile, --svg, -o or --images"),
        ("--pattern p1:0 --images x", "-o and --images write a file's patterns: give that file"),
        ("--pattern p9:0 --tile x.png", "Invalid value for '--pattern': unknown wallpaper group 'p9'; one of p1"),
        ("--pattern p1:x --tile x.png", "Invalid value for '--pattern': must be a group and a seed such as p6m:7"),
        ("--pattern p1:0 --tile x.jpg", "Invalid value for '--tile': must end in .png, but got 'x.jpg'"),
        ("--pattern p1:0 --tile x.png --size 0", "Invalid value for '--size': 0 is not in the range 8<=x<=16384."),
        ("data/patterns.h5 --index 17 --tile x.png", "Invalid value for '--index': must be less than the file's 17"),
        ("data/none.h5 --tile x.png", "data/none.h5: no such file; check the path"),
        ("data/patterns.h5 -o data/other.h5", "data/other.h5: the folder is that of patterns.h5"),
        ("data/patterns.h5 -o x/p.h5 --frame polar", "Invalid value for '--frame': 'polar' is not one of 'cartesian'"),
        ("data/patterns.h5 -o x/p.h5 --cells 2", "`cells >= 3.0` must hold for the lattice to be found, but got 2.0"),
    ],
)
def test_mistakes_are_explained_and_leave_nothing(folder: Path, line: str, message: str) -> None:
    before = sorted(folder.rglob("*"))
    result = call("export", *line.split())
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].removeprefix("Error: ").startswith(message)
    assert "Traceback" not in result.output
    assert sorted(folder.rglob("*")) == before
