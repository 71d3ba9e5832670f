"""Faults of disk and store as they are: a file system that is full, databases that are damaged, locked or none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.cli.conftest import SMALL, call
from wallpaper.training.checkpoint import load_checkpoint

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

TRAIN = ("train-vae", *SMALL[:2], *SMALL[4:], "--no-pictures")


def mounted(*words: object) -> bool:
    """Whether `mount` or `umount` has done as told."""
    return subprocess.run([str(word) for word in words], capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(project: Path) -> Iterator[Path]:
    """A file system in memory with room for both checkpoints, but not for a third beside them."""
    (trained,) = Path("output/vae").iterdir()
    last, best = ((trained / f"{name}.safetensors").stat().st_size for name in ("last", "best"))
    disk = project / "disk"
    disk.mkdir()
    if sys.platform != "linux" or not mounted(
        "mount", "-t", "tmpfs", "-o", f"size={last + best + last // 2}", "x", disk
    ):
        pytest.skip("mounting a file system takes Linux and the superuser")
    try:
        yield disk
    finally:
        assert mounted("umount", "--lazy", disk)


def test_a_training_on_a_disk_that_is_full_says_so_and_goes_on_when_there_is_room(small_disk: Path) -> None:
    words = (*TRAIN, "--epochs", 3, "--output", small_disk)
    result = call(*words)
    assert result.exit_code == 1, result.output
    (error,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert "must be written, but cannot be: No space left on device" in error
    (folder,) = small_disk.iterdir()
    assert load_checkpoint(folder, "last").meta["loop"]["epoch"] in (2, 3)
    assert not list(folder.glob(".*")), "half a file is left"
    assert mounted("mount", "-o", "remount,size=100m", small_disk)
    assert call(*words, "--resume", "last").exit_code == 0
    client = MlflowClient()
    (run,) = [run for run in runs(client) if run.data.tags["folder"] == str(folder)]
    assert run.info.status == "FINISHED"
    assert [point.step for point in client.get_metric_history(run.info.run_id, "train/loss")] == [1, 2, 3]


@pytest.mark.parametrize(
    "words",
    [
        (*TRAIN, "--output"),
        ("generate", "-o"),
        ("transition", "p1", "p2", "-o"),
        ("export", "--pattern", "p4:1", "--tile"),
    ],
    ids=lambda words: words[0],
)
def test_a_file_system_that_is_read_only_is_told_at_once(small_disk: Path, words: tuple[str, ...]) -> None:
    assert mounted("mount", "-o", "remount,ro", small_disk)
    result = call(*words, small_disk / "x.png")
    assert result.exit_code == 2, result.output
    assert result.stderr.splitlines()[-1].endswith(f"{small_disk} takes no files; choose another place")


def test_a_store_that_is_read_only_is_told_before_anything_is_begun(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mounted("mount", "-o", "remount,ro", small_disk)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{small_disk / 'mlflow.db'}")
    before = sorted(Path("output/vae").iterdir())
    result = call(*TRAIN)
    assert result.exit_code == 1, result.output
    (error,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert "must name a store that answers" in error
    assert "Read-only file system" in error
    assert sorted(Path("output/vae").iterdir()) == before


def runs(client: MlflowClient) -> list[Run]:
    (experiment,) = client.search_experiments(filter_string="name = 'wallpaper'")
    return list(client.search_runs([experiment.experiment_id]))


def no_database(path: Path) -> None:
    path.write_bytes(b"no database at all" * 99)


def damaged(path: Path) -> None:
    """Every page but the first is overwritten."""
    size = path.stat().st_size
    with path.open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\x55" * (size - 4096))


def half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("fault", [no_database, damaged, half])
def test_a_database_that_is_damaged_is_one_sentence_and_nothing_is_begun(
    fault: Callable[[Path], None], project: Path
) -> None:
    fault(project / "mlflow.db")
    before = sorted(Path("output/vae").iterdir())
    result = call(*TRAIN)
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert f"{project / 'mlflow.db'} must be an SQLite database that can be read, but " in errors[0]
    assert sorted(Path("output/vae").iterdir()) == before
