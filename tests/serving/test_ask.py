"""A transition asked from a server: the files of the local command, and one sentence for everything that goes wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg
import pytest
from PIL import Image

from serving.ask import main
from tests.serving.conftest import ROOT, Server
from tests.serving.test_client import answering
from tests.tiny import tiny_model
from wallpaper.pictures.animation import write_animation
from wallpaper.transition import pictures, transition_from_seed

SMALL = ("--n-frames", "6", "--size", "64", "--seed", "3")
NO_SERVER = "must be the address of a server of transitions, as `wallpaper serve` prints it, but it answered"


def address(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}"


def failed(capsys: pytest.CaptureFixture[str], folder: Path, *words: str) -> tuple[int, str]:
    """Exit code and sentence of a request that leaves no file."""
    code = main([*words, "--output", "x.gif", "--folder", str(folder)])
    shown = capsys.readouterr()
    assert shown.out == ""
    assert list(folder.iterdir()) == []
    (line,) = shown.err.splitlines()
    return code, line.removeprefix("Error: ")


@pytest.mark.parametrize("name", ["a.gif", "a.png"])
def test_files_are_those_of_the_library(server: Server, tmp_path: Path, name: str) -> None:
    assert main([address(server), "p1", "p6m", *SMALL, "--output", name, "--folder", str(tmp_path)]) == 0
    result = transition_from_seed(tiny_model("palette"), "p1", "p6m", seed=3, n_frames=6)
    write_animation(tmp_path / f"own_{name}", pictures(result, size=64, cells=2.5))
    assert (tmp_path / name).read_bytes() == (tmp_path / f"own_{name}").read_bytes()


def test_all_that_a_server_has_reaches_it(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--output", "a.mp4", "--frames", "frames", "--certify", "deep/c.json", "--folder", str(tmp_path)]
    words += ["--route", "widest", "--cells", "4", "--duration", "3"]
    assert main([address(server), "pm", "p4", *SMALL, *words]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("a.mp4: pm to p4m to p4; path length ")
    assert said[0].endswith("evaluations; by wallpaper-transition version 1")
    assert said[1] == "frames/: 6 frames"
    assert said[2].startswith("deep/c.json: ")
    assert imageio_ffmpeg.count_frames_and_secs(str(tmp_path / "a.mp4")) == (6, 3.0)
    found = json.loads((tmp_path / "deep/c.json").read_text())
    assert (found["source"], found["target"], found["route"]) == ("pm", "p4", ["pm", "p4m", "p4"])
    assert [(row["time"], row["expected"]) for row in found["frames"]] == [(0.0, "pm"), (1.0, "p4")]
    result = transition_from_seed(tiny_model("palette"), "pm", "p4", seed=3, n_frames=6, route="widest")
    for number, picture in enumerate(pictures(result, size=64, cells=4)):
        with Image.open(tmp_path / f"frames/{number:03d}.png") as written:
            assert written.tobytes() == picture.tobytes()


def test_the_command_asks_from_any_folder_and_needs_no_store(server: Server, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "wallpaper", "transition", "p1", "p6m", *SMALL, "--endpoint", address(server)]
    environment = server_environment(tmp_path)
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("p1_to_p6m.gif: p1 to p6m, every frame keeps p1; path length ")
    assert [path.name for path in tmp_path.iterdir()] == ["p1_to_p6m.gif"]
    with Image.open(tmp_path / "p1_to_p6m.gif") as animation:
        assert animation.n_frames == 6  # type: ignore[attr-defined]
    refused = subprocess.run(
        [*command, "--seed", "4294967296"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "Error: seed: must be an integer from 0 to 4294967295, but got 4294967296\n"


def server_environment(folder: Path) -> dict[str, str]:
    """For a command that would fail if it opened the tracking store."""
    return {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/none/x.db"}


def test_an_address_without_such_a_server_is_named(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = failed(capsys, tmp_path, "nowhere", "p1", "p4")
    assert (code, said) == (
        2,
        "`--endpoint` must be a server's address such as http://127.0.0.1:5001, but got 'nowhere'",
    )
    code, said = failed(capsys, tmp_path, "http://127.0.0.1:9", "p1", "p4")
    assert code == 2
    assert said.startswith("http://127.0.0.1:9 does not answer: ")
    wrong = f"{address(server)}/wrong"
    assert failed(capsys, tmp_path, wrong, "p1", "p4") == (2, f"`--endpoint {wrong}` {NO_SERVER} 404")
    with answering(lambda _: 200) as (other, _):  # with no predictions, as another model might
        assert failed(capsys, tmp_path, other, "p1", "p4") == (
            2,
            f"`--endpoint {other}` {NO_SERVER.removesuffix(' it answered')} it answered with something else",
        )


def test_what_the_request_and_what_the_server_did_wrong_have_different_exit_codes(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = failed(capsys, tmp_path, address(server), "p1", "p4", "--n-frames", "300")
    assert (code, said) == (2, "n_frames: must be an integer from 2 to 240, but got 300")
    with answering(lambda _: 500) as (broken, _):
        assert failed(capsys, tmp_path, broken, "p1", "p4") == (1, "field: must be so")
    code, said = failed(capsys, tmp_path, address(server), "p1", "p4", *SMALL, "--duration", "0.1")
    assert (code, said) == (2, "`duration_s >= 0.02 * len(frames)` must hold, but got 0.1 for 6 frames")
