"""`wallpaper transition --endpoint`: what reaches the client of a server, and what no server has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.conftest import call
from wallpaper.cli import endpoint

URL = "http://127.0.0.1:5001"


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The applications that the command would have started, in an empty folder."""
    commands: list[list[str]] = []

    def start(application: str, command: Sequence[str], *, needs_store: bool) -> int:
        assert not needs_store
        commands.append([application, *command])
        return 7

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(endpoint, "call", start)
    return commands


def test_every_option_that_a_server_has_goes_along(started: list[list[str]], tmp_path: Path) -> None:
    words = ["-o", "a.png", "--frames", "f", "--certify", "c.json", "--n-frames", 9, "--seed", 5, "--route", "widest"]
    words += ["--size", 128, "--cells", 3, "--duration", 4]
    assert call("transition", "p1", "p6m", *words, "--endpoint", URL).exit_code == 7
    ((application, *command),) = started
    assert (application, command[:3]) == ("serving", ["-m", "serving.ask", f"--folder={tmp_path}"])
    assert command[-4:] == ["--", URL, "p1", "p6m"]
    assert set(command[3:-4]) == {
        "--output=a.png", "--frames=f", "--certify=c.json", "--n-frames=9", "--seed=5", "--route=widest",
        "--size=128", "--cells=3.0", "--duration=4.0",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--model", "shipped"), "`--model` chooses a model of this machine, but `--endpoint` asks the server's; "),
        (("--spectrum", "s.png"), "`--spectrum` is measured on the model itself, which stays with the server; "),
        (("-o", "a.webp"), "Invalid value for '--output': must end in .gif, .mp4, .png, but got 'a.webp'"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(
    started: list[list[str]], words: tuple[str, ...], message: str
) -> None:
    result = call("transition", "p1", "p6m", *words, "--endpoint", URL)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith(f"Error: {message}")
    assert started == []
