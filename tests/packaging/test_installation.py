"""The released wheel, installed into an environment of its own, far from the checkout: its commands work there.

The libraries that it needs are lent by this environment, so that they need not be downloaded: that pip finds and
installs them is not shown here. No application besides the library is in the wheel, and commands that need one say so.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from PIL import Image

from wallpaper import __version__

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of a new environment with nothing but the wheel in it, and a path to the libraries here."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=200)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", str(built[1])]
    subprocess.run(pip, check=True, timeout=200)
    (own,) = folder.glob("lib/python*/site-packages")
    # A path, not a site folder: the .pth file here by which the checkout is installed is not followed.
    (own / "lent.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    return folder / "bin"


def run(program: Path, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV", "MLFLOW"))}
    environment = {**kept, "PATH": f"{program.parent}:/usr/bin:/bin"}
    return subprocess.run(
        [program, *words], cwd=folder, capture_output=True, text=True, timeout=250, env=environment, check=False
    )


def test_the_library_is_the_installed_one(installed: Path, tmp_path: Path) -> None:
    code = "import wallpaper.transition; print(wallpaper.__file__, wallpaper.__version__)"
    shown = run(installed / "python", "-c", code, folder=tmp_path)
    assert shown.returncode == 0, shown.stderr
    path, version = shown.stdout.split()
    assert Path(path).is_relative_to(installed.parent)
    assert version == __version__


def test_a_transition_works_right_after_installation(installed: Path, tmp_path: Path) -> None:
    assert run(installed / "wallpaper", "--version", folder=tmp_path).stdout == f"wallpaper, version {__version__}\n"
    words = ("transition", "p1", "p6m", "--n-frames", "4", "-o", "p1_p6m.gif", "--certify", "certificates.json")
    made = run(installed / "wallpaper", *words, folder=tmp_path)
    assert made.returncode == 0, made.stderr
    assert "every frame keeps p1" in made.stdout
    with Image.open(tmp_path / "p1_p6m.gif") as animation:
        assert animation.n_frames == 4  # type: ignore[attr-defined]
    assert run(installed / "wallpaper", "relations", "p1", "p6m", folder=tmp_path).returncode == 0


def test_what_needs_the_checkout_says_so(installed: Path, tmp_path: Path) -> None:
    refused = run(installed / "wallpaper", "dashboard", folder=tmp_path)
    assert refused.returncode != 0
    assert "checkout" in refused.stderr
    assert "Traceback" not in refused.stderr
