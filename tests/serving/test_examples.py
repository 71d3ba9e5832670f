"""The examples of docs/serving.md, taken from the document and run against a server: what they make is looked at."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from serving.client import connect
from tests.serving.conftest import ROOT, Server
from wallpaper.patterns import generate_pattern
from wallpaper.pictures.render import render
from wallpaper.pictures.strip import strip

DOCUMENT = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:5001"
SHOWN = """
const heads = await Promise.all(frames.map(async (frame) => [...new Uint8Array(await frame.arrayBuffer())]));
const refused = await transition("ADDRESS", { ...row, seed: -1 }, {}).catch((error) => error.message);
console.log(JSON.stringify({ heads, types: frames.map((frame) => frame.type), latents: [...latents], refused }));
"""
"""What a test lets the JavaScript example say."""


def examples(language: str, server: Server) -> list[str]:
    """The blocks of a language, with the server's address."""
    section = DOCUMENT.partition("\n## Clients\n")[2].partition("\n## ")[0]
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert all(ADDRESS in text for text in found)
    return [text.replace(ADDRESS, f"http://127.0.0.1:{server.port}") for text in found]


def run(program: str, text: str, folder: Path) -> str:
    """What a program prints that reads the text; skips where the program is not installed."""
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program} here")
    ending = {"node": ".mjs", "sh": ".sh"}[program]
    (folder / f"example{ending}").write_text(text, encoding="utf-8")
    done = subprocess.run([program, f"example{ending}"], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_curl_writes_an_animation_and_transforms_a_picture(server: Server, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl here")
    pattern = generate_pattern("p4", 5, 64)
    picture = render(pattern.pixels, pattern.lattice, size=320, cells=3)
    Image.fromarray(picture).save(tmp_path / "wallpaper.png")
    seeded, own = examples("sh", server)
    run("sh", seeded, tmp_path)
    with Image.open(tmp_path / "p1_p6m.gif") as animation:
        assert (animation.format, animation.size) == ("GIF", (256, 256))
        assert animation.n_frames == 16  # type: ignore[attr-defined]
    run("sh", own, tmp_path)
    answer = connect(f"http://127.0.0.1:{server.port}").transition("auto", "p6m", image=picture)
    assert answer.source == "p4"
    expected = strip([answer.frames[place] for place in (0, 2, 3, 5, 7, 8, 10, 12, 13, 15)])
    with Image.open(tmp_path / "wallpaper_p6m.png") as drawn:
        assert np.array_equal(np.asarray(drawn), expected)


def test_what_curl_is_refused_is_kept_and_ends_the_example(server: Server, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl here")
    text = examples("sh", server)[0].replace('"seed": 3', '"seed": -3')
    done = subprocess.run(["sh", "-c", text], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 22
    assert json.loads((tmp_path / "answer.json").read_text())["message"].startswith("seed: must be")
    assert not (tmp_path / "p1_p6m.gif").exists()


def test_javascript_gets_the_frames_and_the_path_that_python_gets(server: Server, tmp_path: Path) -> None:
    (text,) = examples("javascript", server)
    shown = SHOWN.replace("ADDRESS", f"http://127.0.0.1:{server.port}")
    found: dict[str, Any] = json.loads(run("node", text + shown, tmp_path))
    answer = connect(f"http://127.0.0.1:{server.port}").transition("p1", "p6m", seed=3, n_frames=8)
    assert [bytes(each) for each in found["heads"]] == list(answer.pngs)
    assert found["types"] == ["image/png"] * 8
    assert np.array_equal(np.array(found["latents"], np.float32), answer.latents.ravel())
    assert found["refused"].startswith("400: {")
    assert "seed: must be" in found["refused"]


def test_python_gets_arrays_from_one_client(server: Server) -> None:
    (text,) = examples("python", server)
    assert text.count("range(100)") == 1
    names: dict[str, Any] = {"print": lambda *_: None}
    exec(text.replace("range(100)", "range(3)"), names)
    assert names["answer"].frames.shape == (8, 256, 256, 3)
    assert [each.target for each in names["many"]] == ["p4m"] * 3


def test_the_first_example_is_answered(server: Server) -> None:
    """The request at the document's top, without curl."""
    shown = re.search(r"^      -d '(\{.*\})'$", DOCUMENT, re.MULTILINE)
    assert shown is not None
    status, text = server.call("POST", "/invocations", shown[1].encode())
    assert status == 200
    (answer,) = json.loads(text)["predictions"]
    assert [base64.b64decode(frame)[:4] for frame in answer["frames"]] == [b"\x89PNG"] * 8
