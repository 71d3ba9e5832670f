"""What `wallpaper doctor` says of a sound folder, and of everything that can be broken in it."""

from __future__ import annotations

import json
import socket
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import call
from tests.tiny import tiny_model
from wallpaper.cli import doctor as doctoring
from wallpaper.journal import Head, Journal

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(autouse=True)
def _no_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs on this machine is none of the tests' matter."""
    monkeypatch.setattr(doctoring, "PORTS", {})


def findings() -> tuple[int, dict[str, list[tuple[str, str, str]]]]:
    """Exit code, and by subject: verdict, what is said, remedy."""
    result = call("doctor", "--json")
    found: dict[str, list[tuple[str, str, str]]] = {}
    for row in json.loads(result.stdout):
        found.setdefault(row["subject"], []).append((row["verdict"], row["said"], row["remedy"]))
    return result.exit_code, found


def test_in_a_sound_project_nothing_is_wrong(project: Path) -> None:
    tiny_model().save(project / "output" / "ode" / "later" / "model")
    code, found = findings()
    assert code == 0, found
    assert found["store"][0][:2] == ("ok", f"{project / 'mlflow.db'}, 2 runs")
    assert found["dataset"][0][1].startswith("data/patterns.h5: 170 patterns of 32 x 32, ")
    assert [said.split(":")[0] for _, said, _ in found["model"]] == ["the shipped model", "output/ode/later/model"]
    text = call("doctor").stdout
    assert "ok       store" in text
    assert "wrong" not in text


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctoring, "project_root", lambda: tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    return tmp_path


def database(path: Path) -> None:
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE runs (run_uuid TEXT)")
        made.executemany("INSERT INTO runs VALUES (?)", [("x" * 500,)] * 200)


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


def test_a_server_that_does_not_answer_is_said_without_its_password(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://ada:secret@127.0.0.1:{taken.getsockname()[1]}")
        code, found = findings()
    assert (code, found["store"][0][0]) == (1, "wrong")
    assert "does not answer" in found["store"][0][1]
    assert "secret" not in str(found)


def test_damaged_files_are_said_with_a_remedy(empty: Path) -> None:
    (empty / "data").mkdir()
    (empty / "data" / "patterns.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    folder = tiny_model().save(empty / "output" / "ode" / "run" / "model")
    (folder / "vae.safetensors").write_bytes(b"half")
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
        monkeypatch.setattr(doctoring, "PORTS", {port: "wallpaper serve"})
        code, found = findings()
    assert code == 0
    assert found["journals"][0] == ("warning", "1 runs have records that are not sent", "wallpaper sync")
    assert found["port"][0][:2] == ("warning", f"{port} is taken: wallpaper serve needs another")


def test_missing_and_other_packages_are_warnings(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty / "constraints.txt").write_text("# pins\nnumpy==0.1\nno-such-package==1\n")
    monkeypatch.setattr(doctoring, "APPLICATIONS", ("mlflow_is_not_here",))
    code, found = findings()
    assert code == 0
    said = " ".join(said for _, said, _ in found["packages"])
    assert "not installed: mlflow_is_not_here" in said
    assert "1 other versions than constraints.txt: numpy " in said
    assert "no-such-package" not in said


def test_a_full_disk_is_a_warning(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctoring, "LEAST_DISK", sys.maxsize)
    assert findings()[1]["disk"][0][0] == "warning"
