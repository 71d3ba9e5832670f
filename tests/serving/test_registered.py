"""A registered version makes transitions from the command line, like a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.serving.conftest import Store
from wallpaper.cli import main

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

COMMON = ("transition", "p3", "p6", "--n-frames", "2", "--size", "16")


@pytest.fixture
def here(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, with the store that has a model."""
    for name, value in store.environment.items():
        if name.startswith("MLFLOW"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "temporary").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("named", ["@champion", "/1"])
def test_it_makes_what_the_folder_makes_and_leaves_no_copy(here: Path, model_folder: Path, named: str) -> None:
    address = f"models:/wallpaper-transition{named}"
    registered = CliRunner().invoke(main, [*COMMON, "-o", "a.gif", "--model", address])
    assert registered.exit_code == 0, registered.output
    own = CliRunner().invoke(main, [*COMMON, "-o", "b.gif", "--model", str(model_folder)])
    assert own.exit_code == 0, own.output
    assert (here / "a.gif").read_bytes() == (here / "b.gif").read_bytes()
    assert not list((here / "temporary").glob("wallpaper-*"))


@pytest.mark.parametrize("address", ["models:/nobody@champion", "models:/wallpaper-transition/99", "models:/"])
def test_what_is_not_registered_is_told_in_one_sentence(here: Path, address: str) -> None:
    result = CliRunner().invoke(main, [*COMMON, "--model", address])
    assert (result.exit_code, result.output.count("Error:")) == (1, 1), result.output
    assert "Error: `models:/NAME@ALIAS` or `models:/NAME/VERSION` must name a version in sqlite:///" in result.output
    assert f", but {address} gives: " in result.output
    assert "`wallpaper models` lists them" in result.output
    assert not list(here.glob("*.gif"))
