"""Pictures into a pattern file: there and back over all 17 groups, odd pictures, mismatches, interruptions."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from wallpaper.data import PatternStore, StoreError, generate_dataset
from wallpaper.data.framing import frame_picture
from wallpaper.data.import_report import ImportReport
from wallpaper.data.importing import ImportRefusedError, import_pictures
from wallpaper.judge import identify
from wallpaper.pattern_files import OnMismatch
from wallpaper.patterns import Pattern, generate_pattern
from wallpaper.pictures import render
from wallpaper.pictures.plain_file import export_file
from wallpaper.plane import GROUP_NAMES
from wallpaper.symmetry.canonical import canonical_cell

SIDE = 64


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> PatternStore:
    """Two patterns of each group."""
    return generate_dataset(tmp_path_factory.mktemp("original") / "patterns.h5", 2, side=SIDE, seed=4)


@pytest.fixture(scope="session")
def plain(original: PatternStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as Cartesian pictures in the plain layout."""
    path = tmp_path_factory.mktemp("plain") / "plain.h5"
    export_file(original, path, size=192, cells=3.3)
    return path


@pytest.fixture(scope="session")
def drawn() -> dict[str, Pattern]:
    return {name: generate_pattern(name, 9, SIDE) for name in ("p4", "p6m")}


@pytest.fixture
def folder(tmp_path: Path, drawn: dict[str, Pattern]) -> Path:
    """A folder that claims p4 for a p4 and a p6m picture."""
    for name in drawn:
        save(tmp_path / "in" / "p4" / f"{name}.png", picture(drawn[name]))
    return tmp_path / "in"


def picture(pattern: Pattern, size: int = 160, rotation: float = 20) -> np.ndarray:
    return render(pattern.pixels, pattern.lattice, size=size, cells=3.3, rotation=rotation)


def save(path: Path, image: np.ndarray | Image.Image, **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)  # type: ignore[arg-type]


def outcomes(report: ImportReport) -> dict[str, tuple[str, str | None, str | None]]:
    return {Path(entry.source).name: (entry.outcome, entry.found, entry.label) for entry in report.entries}


def test_there_and_back_all_groups_and_lattices_are_the_same(
    original: PatternStore, plain: Path, tmp_path: Path
) -> None:
    report = import_pictures([plain], tmp_path / "out" / "p.h5", side=SIDE)
    assert report.counts == {"stored": 34}
    assert report.table() == {name: {name: 2} for name in GROUP_NAMES}
    store = PatternStore(tmp_path / "out" / "p.h5")
    assert store.labels.tolist() == original.labels.tolist()
    assert sum(map(len, store.splits.values())) == 34
    far = 0
    for index in range(34):
        group = GROUP_NAMES[store.labels[index]]
        expected = canonical_cell(original.pixels(index) / 255, original.lattice(index), group)
        found = store.lattice(index)
        assert found.a / found.b == pytest.approx(expected.lattice.a / expected.lattice.b, rel=0.003)
        assert found.gamma == pytest.approx(expected.lattice.gamma, abs=0.2)
        judged = identify(store.pixels(index), found)
        assert (judged.group, judged.residual) == (group, 0)
        distance = np.sqrt(np.mean((store.pixels(index) / 255 - expected.cell) ** 2))
        far += distance > 0.6 * expected.cell.std()  # the same cell, softer, is 0.3 away; another one 1.4
    assert far <= 1  # two frames may agree with the reference equally well; a softer cell may then take the other


@pytest.mark.parametrize("name", ["p1", "pg", "cmm", "p4", "p3", "p31m"])
def test_one_pattern_lands_on_one_cell_however_it_is_seen(name: str) -> None:
    pattern = generate_pattern(name, 12, SIDE)
    generator = np.random.default_rng(3)
    cells = []
    for _ in range(3):
        turn, place = float(generator.uniform(0, 360)), (float(generator.uniform()), float(generator.uniform()))
        seen = render(
            pattern.pixels,
            pattern.lattice,
            size=200,
            cells=float(generator.uniform(2.8, 3.4)),
            rotation=turn,
            centre=place,
        )
        found = frame_picture(seen, SIDE)
        assert not isinstance(found, str)
        cells.append(found.pixels / 255)
    for cell in cells[1:]:
        assert np.sqrt(np.mean((cell - cells[0]) ** 2)) < 0.25 * cells[0].std()


def test_any_number_of_workers_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    contents = []
    for workers in (1, 2):
        path = tmp_path / f"out{workers}" / "p.h5"
        import_pictures([folder], path, side=SIDE, workers=workers, on_mismatch="keep")
        contents.append((path.read_bytes(), json.loads(path.with_suffix(".report.json").read_text())["entries"]))
    assert contents[0] == contents[1]


@pytest.mark.parametrize(
    ("on_mismatch", "outcome", "label", "labels"),
    [
        ("drop", "dropped", None, ["p4"]),
        ("relabel", "relabelled", "p6m", ["p4", "p6m"]),
        ("keep", "kept", "p4", ["p4", "p4"]),
    ],
)
def test_a_picture_of_another_group_than_claimed(
    folder: Path, tmp_path: Path, on_mismatch: OnMismatch, outcome: str, label: str | None, labels: list[str]
) -> None:
    report = import_pictures([folder], tmp_path / "out" / "p.h5", side=SIDE, on_mismatch=on_mismatch)
    assert outcomes(report) == {"p4.png": ("stored", "p4", "p4"), "p6m.png": (outcome, "p6m", label)}
    store = PatternStore(tmp_path / "out" / "p.h5")
    assert [GROUP_NAMES[index] for index in store.labels] == labels
    assert [identify(store.pixels(k), store.lattice(k)).group for k in range(len(store))] == ["p4", "p6m"][: len(store)]
    written = json.loads(report.path.read_text())
    assert written["found_by_claim"] == {"p4": {"p4": 1, "p6m": 1}}
    assert [entry["index"] for entry in written["entries"]] == [0, 1 if label else None]
    assert list(report.lines()) == ["claimed    pictures  found", "p4                2  p4 1, p6m 1"]


def test_a_mismatch_can_be_an_error_that_leaves_the_report_only(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ImportRefusedError, match=r"1 of 2 pictures .*p6m.png, which claims p4, but has p6m; see .*json"
    ):
        import_pictures([folder], tmp_path / "out" / "p.h5", side=SIDE, on_mismatch="error")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["p.report.json"]


def test_odd_pictures_are_read_or_listed(tmp_path: Path, drawn: dict[str, Pattern]) -> None:
    seen, root = picture(drawn["p6m"]), tmp_path / "in"
    save(root / "grey.png", Image.fromarray(seen).convert("L"))
    save(root / "deep.tif", seen[..., 1].astype(np.uint16) * 257)
    save(root / "alpha.png", np.dstack([seen, np.full(seen.shape[:2], 200, np.uint8)]))
    save(root / "palette.png", Image.fromarray(seen).quantize(32))
    save(root / "photo.jpg", seen, quality=70)
    save(root / "flat.png", np.full((50, 50, 3), 90, np.uint8))
    save(root / "noise.png", np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8))
    (root / "text.png").write_text("no picture")
    (root / "cut.jpg").write_bytes((root / "photo.jpg").read_bytes()[:900])
    report = import_pictures([root], tmp_path / "out" / "p.h5", side=SIDE)
    stored = ("stored", "p6m", "p6m")
    assert outcomes(report) == {
        "alpha.png": stored, "cut.jpg": ("unreadable", None, None), "deep.tif": stored,
        "flat.png": ("no group", None, None),
        "grey.png": stored, "noise.png": ("no group", None, None), "palette.png": stored, "photo.jpg": stored,
        "text.png": ("unreadable", None, None),
    }  # fmt: skip
    reasons = {Path(entry.source).name: str(entry.reason) for entry in report.missing}
    assert reasons["text.png"] == f"{root / 'text.png'}: not a picture that can be read; give a PNG, JPEG or TIFF file"
    assert reasons["flat.png"].startswith("no contrast: ")
    store = PatternStore(tmp_path / "out" / "p.h5")
    assert store.metadata(0)["motif_type"] == "imported"
    grey = store.pixels(2)
    assert np.array_equal(grey[..., 0], grey[..., 2])


def test_nothing_that_can_be_stored_is_an_error_with_a_report(tmp_path: Path) -> None:
    save(tmp_path / "flat.png", np.full((50, 50, 3), 90, np.uint8))
    with pytest.raises(ImportRefusedError, match=r"none of 1 pictures can be stored, first .*flat.png: no contrast"):
        import_pictures([tmp_path / "flat.png"], tmp_path / "out" / "p.h5", side=SIDE)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["p.report.json"]


@pytest.mark.parametrize("moment", ["while analysing", "while writing"])
@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_import_leaves_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, workers: int
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    if moment == "while writing":
        monkeypatch.setattr("wallpaper.data.writer.save_splits", stop)
    with pytest.raises(KeyboardInterrupt):
        import_pictures(
            [folder], tmp_path / "out" / "p.h5", side=SIDE, workers=workers, on_mismatch="keep",
            progress=stop if moment == "while analysing" else lambda done, total: None,
        )  # fmt: skip
    assert list((tmp_path / "out").iterdir()) == []


def test_what_stands_in_the_way_is_said_before_anything_is_analysed(folder: Path, tmp_path: Path) -> None:
    def never(done: int, total: int) -> None:
        pytest.fail("a picture was analysed")

    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "p.h5").write_text("precious")
    with pytest.raises(StoreError, match=r"p.h5: exists already; choose another path or overwrite it"):
        import_pictures([folder], tmp_path / "out" / "p.h5", side=SIDE, progress=never)
    with pytest.raises(StoreError, match=r"`side % 4 == 0` must hold, but got 30"):
        import_pictures([folder], tmp_path / "new" / "p.h5", side=30, progress=never)
    with pytest.raises(ValueError, match=r"`on_mismatch in .* but got 'ask' and 1"):
        import_pictures([folder], tmp_path / "new" / "p.h5", on_mismatch="ask", progress=never)  # type: ignore[arg-type]
    assert (tmp_path / "out" / "p.h5").read_text() == "precious"


def test_an_import_replaces_what_may_be_overwritten(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "out" / "p.h5"
    import_pictures([folder], path, side=SIDE)
    import_pictures([folder], path, side=SIDE, on_mismatch="relabel", overwrite=True)
    assert len(PatternStore(path)) == 2
    with h5py.File(path) as file:
        assert json.loads(file.attrs["generator"])["on_mismatch"] == "relabel"
