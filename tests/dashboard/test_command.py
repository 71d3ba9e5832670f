"""The command line: what it refuses, and that its two doors are one."""

from __future__ import annotations

import socket
import stat
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from dashboard import command, server
from tests.servers import free_port
from wallpaper.cli import dashboard as door

ROOT = Path(command.__file__).resolve().parent.parent


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command.main, arguments)
    return result.exit_code, result.output


def test_an_address_that_others_reach_needs_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(command.PASSWORD, raising=False)
    code, said = run("--host", "0.0.0.0")
    assert code == 2
    assert f"set {command.PASSWORD}" in said


def test_a_port_that_is_taken_is_said_before_anything_is_loaded() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, said = run("--port", str(port))
    assert code == 2
    assert f"`--port {port}` must be free" in said


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("foo://bar", "of foo://bar: it is none that MLflow records in"),
        ("sqlite:////nowhere/mlflow.db", "its folder is not there"),
    ],
)
def test_an_address_that_is_no_store_s_is_refused(monkeypatch: pytest.MonkeyPatch, address: str, said: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    code, told = run("--tracking-uri", address, "--port", "1")
    assert (code, said in told) == (2, True), told


def test_both_doors_have_the_same_options() -> None:
    def options(found: click.Command) -> dict[str, object]:
        return {option.name or "": (option.default, getattr(option, "help", None)) for option in found.params}

    assert options(door.dashboard) == options(command.main)


def test_the_door_becomes_the_program(tmp_path: Path) -> None:
    """From any folder, with its options."""
    typed = [sys.executable, "-m", "wallpaper", "dashboard", "--host", "192.0.2.1", "--port", "8099"]
    done = subprocess.run(typed, cwd=tmp_path, capture_output=True, text=True, check=False, env=without_password())
    assert done.returncode == 2
    assert "`--host 192.0.2.1` can be reached by others" in done.stderr
    assert done.stderr.startswith("Usage: wallpaper dashboard [OPTIONS]\nTry 'wallpaper dashboard --help'")


def test_the_door_passes_on_who_only_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr("wallpaper.cli.dashboard.os.execve", lambda _, words, __: started.append(words))
    for typed in ([], ["--read-only"]):
        assert CliRunner().invoke(door.dashboard, typed).exit_code == 0
    assert ["--read-only" in words for words in started] == [False, True]
    served: list[bool] = []
    monkeypatch.setattr(server, "serve", lambda *_, read_only: served.append(read_only))
    assert [run("--port", str(free_port()), *typed)[0] for typed in ([], ["--read-only"])] == [0, 0]
    assert served == [False, True]


def test_help_loads_neither_nicegui_nor_mlflow() -> None:
    code = "import sys, dashboard.command; print(sorted({'mlflow', 'nicegui', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "secret"
    secret = server.own_secret(file)
    assert len(secret) == 64
    assert server.own_secret(file) == secret
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def without_password() -> dict[str, str]:
    import os

    return {name: value for name, value in os.environ.items() if name != command.PASSWORD} | {"PYTHONPATH": str(ROOT)}
