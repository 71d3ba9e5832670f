from __future__ import annotations

import json
from pathlib import Path

import h5py
import pytest
from click.testing import CliRunner
from PIL import Image

from wallpaper.cli import main
from wallpaper.data import generate_dataset
from wallpaper.plane import GROUP_NAMES


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """17 certified patterns."""
    return generate_dataset(tmp_path_factory.mktemp("made") / "a.h5", 1, side=32).path


def test_inspect_prints_tables_and_draws_a_sheet(made: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    done = CliRunner().invoke(main, ["inspect", str(made), "--certify", "--sheet", str(sheet)])
    assert done.exit_code == 0, done.output
    for text in ("17 cells of 32 x 32", "weakest true", "motif_type", "Judged again: 17 of 17", "metadata/lattice"):
        assert text in done.output
    with Image.open(sheet) as picture:
        assert min(picture.size) > 100


def test_inspect_as_json_and_with_a_wrong_label(made: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["inspect", str(made), "--json", "--certify", "3"])
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert (found["patterns"], found["judged"], len(found["groups"])) == (17, 3, 17)
    wrong = tmp_path / "wrong.h5"
    wrong.write_bytes(made.read_bytes())
    with h5py.File(wrong, "r+") as file:
        file["labels"][GROUP_NAMES.index("p6m")] = 0
    done = CliRunner().invoke(main, ["inspect", str(wrong), "--certify"])
    assert done.exit_code == 1
    assert f"pattern {GROUP_NAMES.index('p6m')}: p1 is p6m" in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["inspect", "none.h5"], "none.h5: no such file; check the path"),
        (["inspect", "text.h5"], "text.h5: not an HDF5 file; check the path"),
        (["benchmark", "-o", "x", "--noise", "3"], "is not in the range"),
        (["benchmark", "-o", "x", "--pseudosymmetry", "0.5"], "is not in the range"),
        (["benchmark", "-o", "full"], "is no benchmark of this command; choose another folder"),
    ],
)
def test_mistakes_are_one_sentence(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.h5").write_text("no")
    Path("full").mkdir()
    Path("full/letter.txt").write_text("dear")
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert message in done.output
    assert "Traceback" not in done.output


def test_benchmark_says_what_it_made(tmp_path: Path) -> None:
    folder = tmp_path / "bench"
    options = ["--per-group", "1", "--size", "48", "--noise", "0.05", "--rotate"]
    done = CliRunner().invoke(main, ["benchmark", "-o", str(folder), *options])
    assert done.exit_code == 0, done.output
    assert "51 pictures in" in done.output
    assert "clean, rotate, noise-0.05" in done.output
    assert len(list(folder.rglob("*.png"))) == 51
    done = CliRunner().invoke(main, ["benchmark", "-o", str(folder), *options])
    assert done.exit_code == 2
    assert "add --overwrite" in done.output
