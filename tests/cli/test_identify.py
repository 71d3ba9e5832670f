"""`wallpaper identify` as a user meets it: tables, JSON, drawings, exit codes, files of all kinds."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import call, succeed
from wallpaper.cli import judging
from wallpaper.cli.judging import Finding, Job, collect, judge_all
from wallpaper.judge import Certificate

SIZE = 150
WAVES = {
    "p2": [(1, 0, 0.3), (0, 1, 0.2), (1, 1, 0.25), (2, 1, 0.25), (1, -2, 0.2)],
    "p4": [(1, 0, 0.3), (0, 1, 0.3), (2, 1, 0.3), (-1, 2, 0.3)],
    "p4m": [(1, 0, 0.4), (0, 1, 0.4), (1, 1, 0.2), (1, -1, 0.2), (2, 1, 0.1), (2, -1, 0.1), (1, 2, 0.1), (1, -2, 0.1)],
}
"""(h, k, amplitude) of cosines: patterns in closed form."""


def waves(name: str, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    total = sum(share * np.cos(2 * np.pi * (h * u + k * v)) for h, k, share in WAVES[name])
    return np.asarray(128 + 100 * total / sum(share for *_, share in WAVES[name]))


def draw(path: Path, name: str, period: float = 47.3, degrees: float = 21.0) -> Path:
    """A grey picture of the group, turned, its origin off the pixels; p2's cell is oblique."""
    row, column = np.indices((SIZE, SIZE)) - 70.4
    turn = np.radians(degrees)
    u = (np.cos(turn) * column + np.sin(turn) * row) / period
    v = (np.cos(turn) * row - np.sin(turn) * column) / period * (0.8 if name == "p2" else 1)
    u = u - 0.21 * v if name == "p2" else u
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(waves(name, u, v).round().astype(np.uint8)).save(path)
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with pictures/p4/a.png, pictures/p4m/b.jpg, flat.png and broken.png, which is the current one."""
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "pictures/p4/a.png", "p4")
    draw(tmp_path / "pictures/p4m/b.jpg", "p4m")
    Image.new("RGB", (80, 80), (90, 90, 90)).save("flat.png")
    Path("broken.png").write_bytes(b"\x89PNG nonsense")
    return tmp_path


def test_the_table_names_group_certainty_and_lattice(here: Path) -> None:
    heading, line = succeed("identify", "pictures/p4/a.png").stdout.splitlines()
    assert heading.split() == ["file", "group", "certainty", "a", "b", "gamma", "residual", "margin"]
    name, group, certainty, a, b, gamma, residual, margin = line.split()
    assert (name, group, gamma) == ("pictures/p4/a.png", "p4", "90.00")
    assert float(certainty.rstrip("%")) > 95
    assert float(a) == float(b) == pytest.approx(47.3, rel=0.003)
    assert 0 <= float(residual) < 0.02
    assert 0.1 < float(margin) < 1


def test_many_files_are_counted_on_standard_error(here: Path) -> None:
    result = call("identify", "pictures", "flat.png", "broken.png", "nowhere.png", "--workers", 1)
    assert result.exit_code == 2
    rows = result.stdout.splitlines()[1:]
    assert [row.split()[:2] for row in rows] == [
        ["pictures/p4/a.png", "p4"],
        ["pictures/p4m/b.jpg", "p4m"],
        ["flat.png", "-"],
        ["broken.png", "-"],
        ["nowhere.png", "-"],
    ]
    assert "no contrast. The picture is one flat colour; give one with a visible pattern." in rows[2]
    assert "error: not a picture that can be read; give a PNG, JPEG or TIFF file" in rows[3]
    assert "error: No such file or directory" in rows[4]
    assert "2 of 5 identified; p4 1, p4m 1; 1 without an answer; 2 not readable" in result.stderr
    assert "identifying: 5/5 pictures" in result.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("pictures", 0),
        ("pictures/p4", 0),
        ("pictures/p4 --expect p4", 0),
        ("pictures --expect folder", 0),
        ("pictures --expect p4", 1),
        ("flat.png", 1),
        ("pictures flat.png", 1),
        ("broken.png", 2),
        ("pictures flat.png broken.png", 2),
    ],
)
def test_exit_codes_tell_scripts(here: Path, words: str, code: int) -> None:
    assert call("identify", *words.split(), "--workers", 1).exit_code == code


def test_what_differs_from_the_expected_group_says_so(here: Path) -> None:
    result = call("identify", "pictures", "--expect", "p4", "--workers", 1)
    _, right, wrong = result.stdout.splitlines()
    assert "expected" not in right
    assert wrong.endswith("  expected p4")
    assert "1 not as expected" in result.stderr
    draw(here / "pictures/p6m/c.png", "p4")
    assert "expected p6m" in call("identify", "pictures", "--expect", "folder", "--workers", 1).stdout


def test_json_is_one_object_a_line_with_the_certificate_inside(here: Path) -> None:
    result = call("identify", "pictures/p4/a.png", "flat.png", "broken.png", "--json")
    assert result.exit_code == 2
    found, flat, broken = map(json.loads, result.stdout.splitlines())
    assert (found["file"], found["group"], found["error"]) == ("pictures/p4/a.png", "p4", None)
    certificate = Certificate.from_dict(found["certificate"])
    assert certificate.group == "p4"
    assert {op.xyz for op in certificate.operations} == {"x,y", "-x,-y", "-y,x", "y,-x"}
    assert found["size"] == [SIZE, SIZE]
    assert (flat["group"], flat["problem"], flat["error"]) == (None, "no contrast", None)
    assert broken["error"] == "not a picture that can be read; give a PNG, JPEG or TIFF file"


def test_one_drawing_goes_to_a_file(here: Path) -> None:
    succeed("identify", "pictures/p4m/b.jpg", "-o", "new/overlay.png")
    with Image.open("new/overlay.png") as drawn:
        assert drawn.size[0] == 3 * SIZE
        assert drawn.size[1] > 3 * SIZE
    assert sorted(path.name for path in here.iterdir()) == ["broken.png", "flat.png", "new", "pictures"]


def test_several_drawings_go_to_a_folder_which_is_not_judged_the_next_time(here: Path) -> None:
    draw(here / "pictures/p4/a.jpg", "p4")
    for _ in range(2):
        result = succeed("identify", "pictures", "-o", "pictures/drawn", "--workers", 1)
        assert len(result.stdout.splitlines()) == 4
        drawn = sorted(str(path.relative_to("pictures/drawn")) for path in Path("pictures/drawn").rglob("*.png"))
        assert drawn == ["p4/a.jpg.png", "p4/a.png.png", "p4m/b.png"]


def test_a_picture_without_an_answer_has_no_drawing(here: Path) -> None:
    assert call("identify", "flat.png", "-o", "overlay.png").exit_code == 1
    assert not Path("overlay.png").exists()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "I;16"])
def test_pictures_of_all_modes_are_judged_and_drawn(here: Path, mode: str) -> None:
    with Image.open("pictures/p4/a.png") as grey:
        if mode == "I;16":
            Image.fromarray(np.asarray(grey).astype(np.uint16) * 257).save("other.png")
        else:
            grey.convert(mode).save("other.png")
    assert " p4 " in succeed("identify", "other.png", "-o", "overlay.png").stdout
    with Image.open("overlay.png") as drawn, Image.open("pictures/p4/a.png") as grey:
        shown = np.asarray(drawn.crop((0, 0, 3 * SIZE, 3 * SIZE)).resize((SIZE, SIZE)).convert("L"), float)
        assert np.corrcoef(shown.ravel(), np.asarray(grey, float).ravel())[0, 1] > 0.6  # but for what is drawn on it


def test_one_cell_in_the_lattice_frame_is_judged_by_its_lattice(here: Path) -> None:
    u, v = np.indices((48, 48)) / 48
    Image.fromarray(waves("p2", u, v).round().astype(np.uint8)).save("cell.png")
    result = succeed("identify", "cell.png", "--cell", "2,1.3,77", "-o", "overlay.png", "--json")
    found = json.loads(result.stdout)
    assert found["group"] == "p2"
    assert found["certificate"]["measured"]["gamma"] == pytest.approx(77, abs=30)  # reduced, perhaps
    assert Path("overlay.png").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "Missing argument 'FILES...'"),
        ("pictures -o x.png", "must be a folder for several pictures, but got 'x.png'"),
        ("flat.png -o flat.png", "must not replace the picture"),
        ("pictures -o pictures", "must not replace the picture"),
        ("flat.png -o x.jpg", "must end in .png, but got 'x.jpg'"),
        ("flat.png -o broken.txt", "must end in .png, but got 'broken.txt'"),
        ("pictures --expect p9", "unknown wallpaper group 'p9'; one of p1, p2"),
        ("flat.png --cell 1,2", "must be three numbers such as 1,1,120, but got '1,2'"),
        ("flat.png --cell 1,2,200", "`0 < gamma < 180` degrees must hold, but got 200.0"),
        ("empty", "no pictures in empty; they must end in .png, .jpg"),
    ],
)
def test_mistakes_are_refused_before_anything_is_done(here: Path, words: str, message: str) -> None:
    Path("empty").mkdir()
    Path("broken.txt").write_text("text")
    before = sorted(here.rglob("*"))
    result = call("identify", *words.split())
    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr.splitlines()[-1]
    assert sorted(here.rglob("*")) == before


def test_a_drawing_that_cannot_be_written_is_an_error_of_its_file(here: Path) -> None:
    drawing = Path("drawn/p4m/b.png")
    drawing.mkdir(parents=True)
    result = call("identify", "pictures", "-o", "drawn")
    assert result.exit_code == 2
    assert f"error: the drawing {drawing} cannot be written: " in result.stdout


def test_folders_and_globs_are_searched_and_each_file_taken_once(here: Path) -> None:
    Path("pictures/.hidden").mkdir()
    draw(here / "pictures/.hidden/x.png", "p4")
    Path("pictures/notes.txt").write_text("no picture")
    both = [Path("pictures/p4/a.png"), Path("pictures/p4m/b.jpg")]
    assert collect(["pictures"]) == both
    assert collect(["pictures/**/*.png", "pictures"]) == both
    assert collect(["nowhere*", "flat.png"]) == [Path("nowhere*"), Path("flat.png")]
    Path("odd[1].png").touch()
    assert collect(["odd[1].png"]) == [Path("odd[1].png")]


def test_several_processes_give_the_same_answers_in_order(here: Path) -> None:
    jobs = [Job(draw(here / f"many/{k}.png", name)) for k, name in enumerate(["p4", "p4m", "p2", "p4", "p2"])]
    alone, together = (list(judge_all(jobs, workers)) for workers in (1, 2))
    assert [finding.to_dict() for finding in together] == [finding.to_dict() for finding in alone]
    assert [finding.to_dict()["group"] for finding in alone] == ["p4", "p4m", "p2", "p4", "p2"]


def test_a_worker_that_dies_leaves_a_sentence_for_its_file_alone(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "judge", _fatal)
    findings = list(judge_all([Job(Path(f"{k}.png")) for k in range(6)], 2))
    died = "a worker process died; try again with --workers 1"
    assert [finding.error for finding in findings] == ["0.png", "1.png", died, "3.png", "4.png", died]


def _fatal(job: Job) -> Finding:
    """Ends the process that judges the third file and the sixth, as the kernel does when memory runs out."""
    if job.file.name in {"2.png", "5.png"}:
        os._exit(1)
    return Finding(job.file, error=job.file.name)


def test_a_cell_that_is_not_square_is_an_error_of_its_file(here: Path) -> None:
    Image.new("RGB", (30, 40)).save("cell.png")
    result = call("identify", "cell.png", "--cell", "1,1,90")
    assert result.exit_code == 2
    assert "error: a pattern must be (n, n) or (n, n, C), but got (40, 30, 3)" in result.stdout
