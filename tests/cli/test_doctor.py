"""What `wallpaper doctor` says of a sound folder, and of everything that can be broken in it."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import call
from tests.cli.doctor import findings
from tests.tiny import tiny_model
from wallpaper import provenance
from wallpaper.cli import checks, store_check
from wallpaper.journal import Head, Journal

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def test_in_a_sound_project_nothing_is_wrong(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "PORTS", {})
    tiny_model().save(project / "output" / "ode" / "later" / "model")
    code, found = findings()
    assert code == 0, found
    assert found["store"][0][:2] == ("ok", f"{project / 'mlflow.db'}, 2 runs")
    assert found["dataset"][0][1].startswith("data/patterns.h5: 170 patterns of 32 x 32, ")
    assert [said.split(":")[0] for _, said, _ in found["model"]] == ["the shipped model", "output/ode/later/model"]
    text = call("doctor").stdout
    assert "ok       store" in text
    assert "wrong" not in text


def database(path: Path, tables: str = "") -> None:
    """As MLflow's, as far as it is looked at. Args: tables: their version; by default the newest."""
    version = tables or min(store_check._known_versions()[1])
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE runs (run_uuid TEXT, status TEXT)")
        made.execute("CREATE TABLE tags (run_uuid TEXT, key TEXT, value TEXT)")
        made.execute("CREATE TABLE alembic_version (version_num TEXT)")
        made.execute("INSERT INTO alembic_version VALUES (?)", [version])
        made.executemany("INSERT INTO runs VALUES (?, 'FINISHED')", [("x" * 500,)] * 200)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    holder = sqlite3.connect(path)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        holder.rollback()
        holder.close()


def test_a_new_folder_is_sound(empty: Path) -> None:
    code, found = findings()
    assert code == 0, found
    assert found["store"][0][1] == f"{empty / 'mlflow.db'} will be made by the first run"


def test_a_locked_database_is_said(empty: Path) -> None:
    database(empty / "mlflow.db")
    with locked(empty / "mlflow.db"):
        code, found = findings()
    assert code == 1
    assert found["store"][0][0] == "wrong"
    assert "locked" in found["store"][0][1]
    assert "fuser" in found["store"][0][2]


@pytest.mark.parametrize(
    ("content", "said"), [(b"no database at all" * 99, "file is not a database"), (b"", "no such table: runs")]
)
def test_a_file_that_is_no_database_is_said(empty: Path, content: bytes, said: str) -> None:
    (empty / "mlflow.db").write_bytes(content)
    code, found = findings()
    assert (code, found["store"][0][0]) == (1, "wrong")
    assert said in found["store"][0][1]


def test_a_damaged_database_is_said(empty: Path) -> None:
    path = empty / "mlflow.db"
    database(path)
    content = bytearray(path.read_bytes())
    content[8192:12288] = b"\x55" * 4096
    path.write_bytes(bytes(content))
    code, found = findings()
    assert (code, found["store"][0][0]) == (1, "wrong")


def test_tables_of_another_mlflow_are_said(empty: Path) -> None:
    known, newest = store_check._known_versions()
    assert len(newest) == 1
    for version, said in ((min(known - newest), "an older MLflow"), ("0123456789ab", "a newer MLflow")):
        (empty / "mlflow.db").unlink(missing_ok=True)
        database(empty / "mlflow.db", version)
        code, found = findings()
        assert (code, found["store"][0][0]) == (1, "wrong")
        assert f"has tables of {said} ({version})" in found["store"][0][1]


def test_runs_whose_process_has_gone_are_said_and_living_ones_are_not(empty: Path) -> None:
    database(empty / "mlflow.db")
    with sqlite3.connect(empty / "mlflow.db") as store:
        for run, process in (("gone", "1 12345"), ("alive", provenance.process())):
            store.execute("INSERT INTO runs VALUES (?, 'RUNNING')", [run])
            about = {"wallpaper.host": provenance.host(), "wallpaper.process": process}
            store.executemany("INSERT INTO tags VALUES (?, ?, ?)", [(run, *pair) for pair in about.items()])
    code, found = findings()
    assert code == 0
    assert found["runs"] == [
        (
            "warning",
            "1 runs say RUNNING, but their processes have gone",
            "nothing: the next command that records marks them KILLED",
        )
    ]


def test_the_demonstration_s_dataset_is_looked_at_too(empty: Path) -> None:
    (empty / "output" / "demo").mkdir(parents=True)
    (empty / "output" / "demo" / "patterns.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    code, found = findings()
    assert (code, found["dataset"][0][0]) == (1, "wrong")


def test_damaged_files_are_said_with_a_remedy(empty: Path) -> None:
    (empty / "data").mkdir()
    (empty / "data" / "patterns.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    folder = tiny_model().save(empty / "output" / "ode" / "run" / "model")
    whole = (folder / "vae.safetensors").read_bytes()
    (folder / "vae.safetensors").write_bytes(whole[: len(whole) // 2])
    code, found = findings()
    assert code == 1
    assert [found[subject][-1][0] for subject in ("dataset", "model")] == ["wrong", "wrong"]
    assert found["dataset"][0][2]
    assert "vae.safetensors" in found["model"][-1][1]


def test_what_waits_and_what_is_taken_are_warnings(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Journal(empty / "output", Head("0" * 32, "http://x", "h", "1 1")).append({"tag": ["a", "b"]})
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        monkeypatch.setattr(checks, "PORTS", {port: "wallpaper serve"})
        code, found = findings()
    assert code == 0
    assert found["journals"][0] == ("warning", "1 runs have records that are not sent", "wallpaper sync")
    assert found["port"][0][0] == "warning"
    assert f"{port} is taken by " in found["port"][0][1]
    assert f"(process {os.getpid()}): wallpaper serve needs another" in found["port"][0][1]


def test_missing_and_other_packages_are_warnings(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty / "constraints.txt").write_text("# pins\nnumpy==0.1\nno-such-package==1\n")
    monkeypatch.setattr(checks, "APPLICATIONS", ("mlflow_is_not_here",))
    code, found = findings()
    assert code == 0
    said = " ".join(said for _, said, _ in found["packages"])
    assert "not installed: mlflow_is_not_here" in said
    assert "1 other versions than constraints.txt: numpy " in said
    assert "no-such-package" not in said


@pytest.mark.parametrize(("limit", "subject"), [("LEAST_DISK", "disk"), ("LEAST_MEMORY", "memory")])
def test_little_space_is_a_warning(limit: str, subject: str, empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, limit, sys.maxsize)
    code, found = findings()
    assert (code, found[subject][0][0]) == (0, "warning")
    assert found[subject][0][2]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc takes no file, not even the superuser's")
def test_a_folder_that_takes_no_file_is_wrong(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/proc")
    code, found = findings()
    assert (code, found["folder"][0][0]) == (1, "wrong")
    assert "/proc cannot be written to: " in found["folder"][0][1]


def test_no_ffmpeg_is_a_warning(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(empty / "nothing"))
    code, found = findings()
    assert (code, found["mp4"][0][0]) == (0, "warning")
    assert "GIFs work without" in found["mp4"][0][2]


WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("mlflow", "ray"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
from importlib import util
real = util.find_spec
util.find_spec = lambda name, package=None: None if name in ("mlflow", "ray") else real(name, package)
from wallpaper.cli import main
main(["doctor"])
"""


def test_without_mlflow_and_ray_the_rest_is_checked(empty: Path) -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], cwd=empty, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "not installed: mlflow, ray" in done.stdout
    assert "the shipped model: 64 samples, makes transitions" in done.stdout
