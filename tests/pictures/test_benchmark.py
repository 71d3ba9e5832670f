from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from wallpaper.judge import Certificate, analyse
from wallpaper.patterns import generate_pattern
from wallpaper.pictures.benchmark import PATTERN_SIDE, Variant, make_benchmark, variants
from wallpaper.plane import GROUP_NAMES

SIZE = 128
ALL = variants((0.02, 0.1), (60,), True, (0.95,), True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every variant, one pattern of each group."""
    path = tmp_path_factory.mktemp("benchmark") / "made"
    assert make_benchmark(path, 1, ALL, size=SIZE, seed=5) == 17 * len(ALL)
    return path


def rows(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]


def test_variants_are_one_disturbance_each_and_all_at_once() -> None:
    assert [each.name for each in ALL] == [
        "clean", "rotate", "noise-0.02", "noise-0.1", "jpeg-60", "pseudosymmetry-0.95", "combined",
    ]  # fmt: skip
    assert ALL[-1] == Variant("combined", 0.1, 60, True, 0.95)
    assert variants() == (Variant("clean"),)
    with pytest.raises(ValueError, match="`0 <= noise <= 1` must hold, but got 2"):
        Variant("loud", noise=2)
    with pytest.raises(ValueError, match="`1 <= jpeg <= 100` must hold, but got 0"):
        Variant("crushed", jpeg=0)


def test_every_picture_is_there_once_with_its_certificate(folder: Path) -> None:
    found = rows(folder)
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*g") if path.is_file()}
    assert {row["file"] for row in found} == files
    assert len(found) == len(files) == 17 * len(ALL)
    assert {row["group"] for row in found} == set(GROUP_NAMES)
    lines = [json.loads(line) for line in (folder / "certificates.jsonl").read_text().splitlines()]
    certificates = {line["id"]: Certificate.from_dict(line) for line in lines}
    assert len(certificates) == len(lines) == 34
    for row in found:
        certificate = certificates[row["certificate"]]
        assert certificate.group == row["group"]
        assert certificate.strongest_false == row["strongest_false"]
        assert (row["pseudosymmetry"] is None) == (row["strongest_false"] <= 0.9)
        with Image.open(folder / row["file"]) as picture:
            assert picture.size == (SIZE, SIZE)
            assert picture.format == ("PNG" if row["jpeg"] is None else "JPEG")
    assert "17 plane groups" in (folder / "README.md").read_text()


@pytest.mark.parametrize("variant", ["clean", "rotate"])
def test_basis_and_origin_say_where_the_cell_lies(folder: Path, variant: str) -> None:
    """Pixels at whole numbers of the basis from the origin are the pattern's samples there, but for smoothing."""
    for row in (row for row in rows(folder) if row["variant"] == variant):
        cell = generate_pattern(row["group"], row["seed"], PATTERN_SIDE).pixels.astype(float)
        picture = np.asarray(Image.open(folder / row["file"])).astype(float)
        y, x = np.indices((SIZE, SIZE)).astype(float)
        basis, origin = np.array(row["basis"]).T, np.array(row["origin"])
        steps = np.linalg.inv(basis) @ (np.stack([x.ravel(), y.ravel()]) - origin[:, None])
        i, j = np.rint(steps * PATTERN_SIDE).astype(int) % PATTERN_SIDE
        expected = cell[i, j].reshape(SIZE, SIZE, 3)
        assert np.corrcoef(expected.ravel(), picture.ravel())[0, 1] > 0.8
        assert np.linalg.norm(basis[:, 0]) == pytest.approx(row["a"])
        assert np.abs(origin - (SIZE - 1) / 2).max() < max(row["a"], row["b"])


def test_noise_has_the_strength_that_is_said(folder: Path) -> None:
    by_name = {(row["variant"], row["group"]): row for row in rows(folder)}
    found = []
    for group in GROUP_NAMES:
        clean, noisy = (
            np.asarray(Image.open(folder / by_name[name, group]["file"])).astype(float) / 255
            for name in ("clean", "noise-0.02")
        )
        inner = (clean > 0.1) & (clean < 0.9)  # where clipping takes nothing
        found.append((noisy - clean)[inner].std())
    assert np.median(found) == pytest.approx(0.02, rel=0.05)


def test_the_judge_finds_the_truth_in_turned_pictures(folder: Path) -> None:
    for row in [row for row in rows(folder) if row["variant"] == "rotate"][::4]:
        certificate = analyse(folder / row["file"]).certificate
        assert certificate is not None
        assert certificate.group == row["group"]


def test_same_seed_same_files_and_another_seed_others(tmp_path: Path) -> None:
    made = {}
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        make_benchmark(tmp_path / name, 1, variants((0.05,)), size=32, seed=seed)
        made[name] = {path.name: path.read_bytes() for path in (tmp_path / name / "noise-0.05").rglob("*.png")}
    assert made["a"] == made["b"] != made["c"]


def test_nothing_is_replaced_unasked_and_nothing_half_made_appears(tmp_path: Path) -> None:
    path = tmp_path / "made"
    make_benchmark(path, 1, variants(), size=32)
    with pytest.raises(FileExistsError, match="exists; add --overwrite"):
        make_benchmark(path, 1, variants(), size=32)
    before = (path / "manifest.jsonl").read_text()

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_benchmark(path, 1, variants(), size=32, seed=9, overwrite=True, progress=stop)
    assert (path / "manifest.jsonl").read_text() == before
    assert [each.name for each in tmp_path.iterdir()] == ["made"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(FileExistsError, match="is no benchmark of this command; choose another folder"):
        make_benchmark(tmp_path / "mine", 1, variants(), size=32, overwrite=True)
    with pytest.raises(ValueError, match=r"`per_group >= 1, size >= 32, seed >= 0` must hold, but got per_group=0"):
        make_benchmark(tmp_path / "none", 0, variants(), size=32)
