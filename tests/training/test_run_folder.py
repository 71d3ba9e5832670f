"""Run folders: new ones never collide, the newest whole one is found, and a run to go on with has a checkpoint."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from wallpaper.training.checkpoint import BEST, LAST, checkpoint_path
from wallpaper.training.run_folder import latest_run, new_run_folder, resumable_run

NOON = datetime(2026, 3, 1, 12, 0, 0)
LATER = datetime(2026, 3, 1, 12, 0, 1)


def run(root: Path, when: datetime, *checkpoints: str) -> Path:
    folder = new_run_folder(root, now=when)
    for name in checkpoints:
        checkpoint_path(folder, name).write_bytes(b"")
    return folder


def test_a_run_s_folder_is_named_by_its_time(tmp_path: Path) -> None:
    folder = new_run_folder(tmp_path / "deep" / "runs", now=NOON)
    assert folder == tmp_path / "deep" / "runs" / "20260301-120000"
    assert folder.is_dir()


def test_runs_of_one_second_get_folders_of_their_own_that_sort_in_order(tmp_path: Path) -> None:
    folders = [new_run_folder(tmp_path, now=NOON) for _ in range(3)]
    assert [folder.name for folder in folders] == ["20260301-120000", "20260301-120000-001", "20260301-120000-002"]
    assert max([*folders, new_run_folder(tmp_path, now=LATER)]).name == "20260301-120001"


def test_without_a_time_it_is_now(tmp_path: Path) -> None:
    before = datetime.now().replace(microsecond=0)
    folder = new_run_folder(tmp_path)
    assert before <= datetime.strptime(folder.name, "%Y%m%d-%H%M%S") <= datetime.now()


def test_a_second_with_no_room_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(*_: object, **__: object) -> None:
        raise FileExistsError

    monkeypatch.setattr(Path, "mkdir", taken)
    with pytest.raises(FileExistsError, match="must have room for a run named 20260301-120000; choose another"):
        new_run_folder(tmp_path, now=NOON)


def test_the_latest_run_is_the_newest_with_the_checkpoint(tmp_path: Path) -> None:
    assert latest_run(tmp_path / "nowhere") is None
    assert latest_run(tmp_path) is None
    newest_whole = [run(tmp_path, NOON, BEST, LAST), run(tmp_path, NOON, BEST, LAST)][-1]
    begun = run(tmp_path, LATER, LAST)
    run(tmp_path, LATER)
    assert latest_run(tmp_path) == newest_whole
    assert latest_run(tmp_path, LAST) == begun


def test_a_run_s_own_folder_is_its_latest_run(tmp_path: Path) -> None:
    folder = run(tmp_path, NOON, BEST)
    assert latest_run(folder) == folder


def test_a_run_to_go_on_with_is_named_or_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, last = run(tmp_path / "runs", NOON, BEST, LAST), run(tmp_path / "runs", LATER, LAST)
    root = tmp_path / "runs"
    assert resumable_run(root, "last") == last
    assert resumable_run(root, first.name) == first
    assert resumable_run(root, str(first)) == first
    monkeypatch.chdir(tmp_path)
    assert resumable_run(Path("elsewhere"), f"runs/{first.name}") == Path("runs") / first.name


@pytest.mark.parametrize("name", ["last", "20260301-120000", "unknown"])
def test_a_run_without_a_checkpoint_cannot_be_gone_on_with(tmp_path: Path, name: str) -> None:
    run(tmp_path, NOON, BEST)
    with pytest.raises(FileNotFoundError, match=f"`--resume {name}` needs a run with a `last` checkpoint, but .* has"):
        resumable_run(tmp_path, name)
