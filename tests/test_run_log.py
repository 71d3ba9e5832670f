"""What a run's process says, as a tag of the run that follows it."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest

from wallpaper import tracking
from wallpaper.run_log import MOST_CHARACTERS

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def test_it_grows_with_the_epochs_and_keeps_the_newest(
    tmp_path: Path, tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(tables, tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / tables.name}")
    log = logging.getLogger("wallpaper.training")
    before = logging.getLogger("wallpaper").level
    with tracking.start("r", phase="train_vae") as run:

        def said() -> list[list[Any]]:
            text = run.store.client.get_run(run.run_id).data.tags.get("log", "")
            return [json.loads(line) for line in text.splitlines()]

        assert said() == []
        log.info("epoch %d is not drawn", 5)
        log.warning("see https://ada:secret@example.org")
        run.log({"loss": 1.0}, 1)
        assert [row[1:] for row in said()] == [["INFO", "epoch 5 is not drawn"], ["WARNING", "see https://example.org"]]
        for number in range(200):
            log.info("%d %s", number, "x" * 2000)
        run.log({"loss": 1.0}, 2)
        assert said()[-1][2].startswith("199 xxx"), "the newest is kept"
        assert sum(map(len, run.store.client.get_run(run.run_id).data.tags["log"].splitlines())) <= MOST_CHARACTERS
        log.error("the last word")
    assert said()[-1][1:] == ["ERROR", "the last word"]
    log.error("of nobody")
    assert said()[-1][1:] == ["ERROR", "the last word"]
    assert logging.getLogger("wallpaper").level == before
