"""What a store that does not answer misses is on disk, and is sent later: by the run, by its resume, by `sync`."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from wallpaper import delivery, provenance, recorded, tracking
from wallpaper.cli import main
from wallpaper.journal import Head, Journal, find, read

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

HEAD = Head("0" * 32, "sqlite:///x.db", "here", "1 1")


def down(*_: object, **__: object) -> None:
    raise MlflowException("connection refused")


@contextmanager
def away(run: tracking.Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The run's store answers nothing."""
    with monkeypatch.context() as outage:
        for name in (
            "log_batch",
            "log_artifact",
            "log_artifacts",
            "log_dict",
            "log_inputs",
            "set_tag",
            "set_terminated",
        ):
            outage.setattr(run.store.client, name, down)
        yield


def sync(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["sync", *map(str, words)], catch_exceptions=False)
    return result.exit_code, result.output


def steps(client: MlflowClient, run_id: str, name: str = "loss") -> list[int]:
    return [point.step for point in client.get_metric_history(run_id, name)]


def test_what_is_appended_is_read_back_also_behind_a_line_that_was_cut_off(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "new", HEAD)
    assert journal.entries() == []
    journal.append({"tag": ["a", "ä\n"]})
    with journal.path.open("ab") as stream:
        stream.write(b'{"metrics": [["loss", 0.')  # killed here
    journal.append({"metrics": [["loss", float("nan"), 5, 1]]})
    head, entries = read(journal.path)
    assert head == HEAD
    assert [next(iter(entry)) for entry in entries] == ["tag", "metrics"]
    assert entries[0]["tag"] == ["a", "ä\n"]
    assert find([tmp_path]) == [journal.path]
    journal.clear()
    assert find([tmp_path]) == []


def test_what_is_no_journal_is_said(tmp_path: Path) -> None:
    (tmp_path / "unsent-x.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="must begin with the run it belongs to"):
        read(tmp_path / "unsent-x.jsonl")
    code, said = sync(tmp_path)
    assert code == 1
    assert "must begin with the run it belongs to" in said
    assert "the same command" not in said, "which would say the same again"
    assert sync(tmp_path, "--dry-run")[0] == 1


def test_a_journal_from_elsewhere_does_not_choose_where_files_go(tmp_path: Path) -> None:
    """Else a folder that somebody sends could have any file of this machine sent to any server."""
    secret = tmp_path / "secret"
    secret.write_text("mine")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        uri = f"http://127.0.0.1:{server.getsockname()[1]}"
        Journal(tmp_path, Head("0" * 32, uri, "elsewhere", "1 1")).append({"file": [str(secret), ""]})
        code, said = sync(tmp_path)
        assert (code, f"wait for another store; if it is yours: --tracking-uri {uri}" in said) == (1, True), said
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    "line",
    [
        '{"metrics": 5}', '{"metrics": [["loss", "high", 1, 1]]}', '{"metrics": [["loss", 1.0, 1]]}', '{"other": []}',
        '{"tag": ["a"]}', '{"tag": ["a", "b"], "file": ["c", ""]}', '{"end": ["FINISHED"]}', '{"params": {"a": 1}}',
        '{"__class__": ["a", "b"]}', "[]", "{}", "5",
    ],
)  # fmt: skip
def test_what_no_run_writes_is_left_out(tmp_path: Path, line: str) -> None:
    journal = Journal(tmp_path, HEAD)
    journal.append({"tag": ["a", "b"]})
    with journal.path.open("a") as stream:
        stream.write(f"{line}\n")
    assert journal.entries() == [{"tag": ["a", "b"]}]


def test_a_folder_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    code, said = sync(tmp_path / "nowhere")
    assert code == 2
    assert "nowhere: no such file or folder; check the path" in said


def test_a_disk_that_takes_nothing_ends_no_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way of a folder")
    with tracking.start("run", phase="test", folder=tmp_path / "file") as run:
        run.log({"loss": 1.0}, 1)
        run.log({"loss": 0.5}, 2)
    assert steps(run.store.client, run.run_id) == [1, 2]
    assert len([record for record in caplog.records if "cannot be written" in record.message]) == 1


def test_a_run_whose_store_went_away_for_good_is_sent_later_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "weights.bin").write_bytes(b"w")
    with tracking.start("run", phase="test", folder=tmp_path) as run:
        run.log({"loss": 1.0}, 1)
        assert find([tmp_path]) == []
        with away(run, monkeypatch):
            for epoch in range(2, 6):
                run.log({"loss": 1 / epoch}, epoch)
            run.tag("note", "kept")
            run.artifact(tmp_path / "weights.bin", "model")
            run.end("FINISHED")
        monkeypatch.setattr(run, "end", lambda *_: None)
    client = run.store.client
    assert (
        f"4 points of run {run.run_id} were not recorded in {run.store.uri}; they are kept in {tmp_path}" in caplog.text
    )
    assert steps(client, run.run_id) == [1]
    monkeypatch.setattr("wallpaper.provenance.is_alive", lambda process: False)  # this process is the run's
    code, said = sync("--dry-run", tmp_path)
    assert (code, steps(client, run.run_id)) == (0, [1])
    assert f"run {run.run_id}: 4 points, 1 file, 2 tags, the end wait for sqlite" in said  # its own, and the log
    code, said = sync(tmp_path)
    assert (code, steps(client, run.run_id)) == (0, [1, 2, 3, 4, 5]), said
    found = client.get_run(run.run_id)
    assert (found.info.status, found.data.tags["note"]) == ("FINISHED", "kept")
    assert found.info.end_time < time.time() * 1000
    assert recorded.download(run.run_id, "model/weights.bin").read_bytes() == b"w"
    assert sync(tmp_path) == (0, "Nothing is waiting to be sent.\n")


def test_sent_twice_is_recorded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tracking.start("run", phase="test", folder=tmp_path) as run:
        with away(run, monkeypatch):
            for epoch in range(1, 4):
                run.log({"loss": 1 / epoch, "nan": float("nan")}, epoch)
        (journal,) = find([tmp_path])
        content = journal.read_bytes()
    assert not journal.exists()
    journal.write_bytes(content)
    monkeypatch.setattr("wallpaper.provenance.is_alive", lambda process: False)
    assert sync(tmp_path)[0] == 0
    assert steps(run.store.client, run.run_id) == [1, 2, 3]
    assert steps(run.store.client, run.run_id, "nan") == [1, 2, 3]


def test_a_resumed_run_sends_what_was_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tracking.start("run", phase="test", folder=tmp_path) as run:
        with away(run, monkeypatch):
            run.log({"loss": 1.0}, 1)
            run.end("FAILED", "no more")
        monkeypatch.setattr(run, "end", lambda *_: None)
    with tracking.start("run", phase="test", folder=tmp_path, resume=True) as again:
        assert again.run_id == run.run_id
        assert steps(again.store.client, run.run_id) == [1]
        assert again.store.client.get_run(run.run_id).info.status == "RUNNING"
    assert find([tmp_path]) == []


def test_a_journal_that_is_taken_up_belongs_to_the_run_that_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else `sync` would end a living run, as its dead process had ended."""
    with tracking.start("run", phase="test", folder=tmp_path) as run:
        dead = Journal(tmp_path, Head(run.run_id, run.store.uri, provenance.host(), "1 12345"))
        dead.append({"metrics": [["loss", 1.0, 5, 1]]})
        dead.append({"end": ["FAILED", 6]})
        with away(run, monkeypatch):
            run.take_up()
            head, entries = read(dead.path)
            assert (head.process, [next(iter(entry)) for entry in entries]) == (provenance.process(), ["metrics"])
            assert "its process still runs" in sync(tmp_path)[1]
    assert steps(run.store.client, run.run_id) == [1]
    assert find([tmp_path]) == []


def test_earlier_epochs_are_recorded_where_they_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"epoch": epoch, "epochs": 3, "seconds": 1.0, "loss": 1 / epoch} for epoch in (1, 2, 3)]
    with tracking.start("run", phase="test", folder=tmp_path) as run:
        run.reporter()(rows[0])
        with away(run, monkeypatch):
            run.reporter()(rows[1])
            run.catch_up(rows)
            with monkeypatch.context() as outage:
                outage.setattr(run.store.client, "get_metric_history", down)
                run.catch_up(rows)
    assert steps(run.store.client, run.run_id) == [1, 2, 3]


def test_a_point_that_is_refused_takes_no_others_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "RETRY_SECONDS", 1000.0)
    with tracking.start("run", phase="test", folder=tmp_path) as run:
        with away(run, monkeypatch):
            for epoch, name in enumerate(["loss", "no such name!", "loss"], 1):
                run.log({name: 1.0}, epoch)
    assert steps(run.store.client, run.run_id) == [1, 3]


def test_a_run_that_goes_on_is_left_to_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tracking.start("run", phase="test", folder=tmp_path) as run:
        with away(run, monkeypatch):
            run.log({"loss": 1.0}, 1)
            code, said = sync(tmp_path)
            assert (code, "its process still runs" in said) == (0, True)
            assert len(find([tmp_path])) == 1


KILLED = """
import os, signal, sys
from pathlib import Path
from wallpaper import tracking
def down(*_, **__): raise ConnectionError("gone")
run = tracking.start("run", phase="test", folder=Path(sys.argv[1]))
run.log({"loss": 1.0}, 1)
run.store.client.log_batch = down
for epoch in range(2, 6):
    run.log({"loss": 1 / epoch}, epoch)
print(run.run_id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_that_is_killed_while_the_store_is_away_loses_nothing(tmp_path: Path) -> None:
    client = tracking.initialise().client
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    run_id = done.stdout.strip()
    assert steps(client, run_id) == [1]
    code, said = sync(tmp_path)
    assert (code, steps(client, run_id)) == (0, [1, 2, 3, 4, 5]), said
    found = client.get_run(run_id)
    assert (found.info.status, found.data.tags["error"]) == ("KILLED", "its process ended without a word")


def test_a_store_that_is_still_away_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{taken.getsockname()[1]}"
        Journal(tmp_path, Head("0" * 32, uri, "elsewhere", "1 1")).append({"tag": ["a", "b"]})
        code, said = sync(tmp_path, "--tracking-uri", uri)
    assert code == 1
    assert "1 tag not sent: `MLFLOW_TRACKING_URI` must name a store that answers" in said


def test_no_password_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the journal nor in the run's tags; the environment's is used when it is sent."""
    monkeypatch.setattr(sys, "argv", ["wallpaper", "--tracking-uri", "http://ada:secret@example.org"])
    with tracking.start("run", phase="test", folder=tmp_path) as run:
        shown = tracking.Run(replace(run.store, uri="http://ada:secret@example.org"), "1" * 32, tmp_path)
        monkeypatch.setattr(shown.store.client, "log_batch", down)
        shown.log({"loss": 1.0}, 1)
    (journal,) = find([tmp_path])
    assert read(journal)[0].uri == "http://example.org"
    assert "secret" not in journal.read_text()
    assert "secret" not in str(run.store.client.get_run(run.run_id).data.tags)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ada:secret@example.org")
    asked: list[str] = []
    monkeypatch.setattr("wallpaper.cli.sending.open_store", lambda uri: asked.append(uri) or run.store)
    monkeypatch.setattr("wallpaper.provenance.is_alive", lambda process: False)
    sync(tmp_path)
    assert asked == ["http://ada:secret@example.org"]
