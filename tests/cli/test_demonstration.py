"""`wallpaper demo`, whole and small: what `make demo` leaves, and what the dashboard finds of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dashboard.store import Store
from dashboard.store.source import Source
from dashboard.views import overview
from tests.cli.conftest import succeed
from wallpaper.cli.places import NAME
from wallpaper.epoch_pictures.places import VISUALIZATIONS
from wallpaper.transition import CANONICAL

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.timeout(600),
]


def test_from_nothing_to_a_registered_model_and_pictures(
    tmp_path: Path, tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(tables, tmp_path)
    uri = f"sqlite:///{tmp_path / tables.name}"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    result = succeed("demo", "--preset", "smoke", "--output", "out")
    drawn = {path.name for path in (tmp_path / "out" / "transitions").iterdir()}
    assert drawn >= {f"{source}_to_{target}{kind}" for source, target in CANONICAL for kind in (".gif", ".mp4", ".png")}
    assert "wallpaper dashboard" in result.output

    store = Store(Source(uri))
    store.poll()
    (version,) = store.versions
    assert (version.name, version.aliases) == (NAME, ("smoke",)), "what hardly trained is no champion"
    assert {run.status for run in store.runs} == {"FINISHED"}
    trainings = overview.drawn(store.runs)
    assert len(trainings) == 2
    for run in trainings:
        (epoch,) = store.files(run.run_id, VISUALIZATIONS)[:1]
        assert "latent_space.json" in {Path(file.path).name for file in store.files(run.run_id, epoch.path)}
    store.stop()
