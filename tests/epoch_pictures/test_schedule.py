"""When epochs are drawn, and that no failure of the drawing reaches the training. A stand-in draws nothing, at once."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from wallpaper.epoch_pictures import EpochPictures, epoch_folder
from wallpaper.epoch_pictures.process import Drawer

ECHO = """
import json, sys
for line in sys.stdin:
    order = json.loads(line)
    print("not json"); print(json.dumps({"epoch": order["epoch"], "metrics": {"latent/silhouette": 0.5}}), flush=True)
"""
FAILING = """
import json, sys
for line in sys.stdin:
    print(json.dumps({"epoch": json.loads(line)["epoch"], "error": "ValueError: no paint"}), flush=True)
"""
DYING = "import sys; sys.stdin.readline(); sys.exit('out of paint')"
SLEEPING = "import sys, time; sys.stdin.readline(); time.sleep(600)"


class Recorder:
    def __init__(self) -> None:
        self.numbers: dict[int, dict[str, float]] = {}
        self.folders: list[str] = []

    def log(self, values: Mapping[str, float | int], step: int = 0) -> None:
        self.numbers[step] = dict(values)

    def artifact(self, path: Path, folder: str = "") -> None:
        assert not list(path.glob(".*")), "the snapshot is no picture"
        self.folders.append(folder)


def row(epoch: int, epochs: int = 12) -> dict[str, float | int]:
    return {"epoch": epoch, "epochs": epochs, "train/loss": 1 / epoch}


def pictures(folder: Path, script: str, recorder: Recorder, **options: Any) -> EpochPictures:
    for name in ("last", "best"):
        (folder / f"{name}.safetensors").write_bytes(name.encode())
    drawer = Drawer([sys.executable, "-c", script])
    return EpochPictures("vae", folder, folder / "p.h5", recorder, every=5, drawer=drawer, **options)


def epochs_on_disk(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "visualizations").iterdir())


def test_every_fifth_epoch_and_the_last_are_drawn_and_recorded(tmp_path: Path) -> None:
    recorder = Recorder()
    with pictures(tmp_path, ECHO, recorder) as drawn:
        for epoch in range(1, 13):
            drawn(row(epoch))
            while epoch % 5 == 0 and epoch not in recorder.numbers:
                drawn._collect(10.0)
        drawn.finish()
    assert epochs_on_disk(tmp_path) == ["epoch_005", "epoch_010", "epoch_012"]
    assert recorder.folders == [epoch_folder(5), epoch_folder(10), epoch_folder(12)]
    assert recorder.numbers == {epoch: {"latent/silhouette": 0.5} for epoch in (5, 10, 12)}
    metrics = json.loads((tmp_path / epoch_folder(5) / "metrics.json").read_text())
    assert metrics == row(5) | {"latent/silhouette": 0.5}
    assert (tmp_path / "best_model.safetensors").read_bytes() == b"best"
    assert (tmp_path / "final_model.safetensors").read_bytes() == b"last"


def test_the_last_epoch_is_drawn_wherever_the_training_stopped(tmp_path: Path) -> None:
    with pictures(tmp_path, ECHO, Recorder()) as drawn:
        for epoch in range(1, 8):
            drawn(row(epoch))
        drawn.finish()
    assert epochs_on_disk(tmp_path) == ["epoch_005", "epoch_007"]


def test_without_pictures_the_metrics_are_left(tmp_path: Path) -> None:
    recorder = Recorder()
    with pictures(tmp_path, DYING, recorder, pictures=False) as drawn:
        drawn(row(5))
        drawn.finish()
    assert json.loads((tmp_path / epoch_folder(5) / "metrics.json").read_text()) == row(5)
    assert recorder.folders == [epoch_folder(5)]


@pytest.mark.parametrize(("script", "said"), [(FAILING, "no paint"), (DYING, "out of paint")])
def test_a_failure_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture, script: str, said: str) -> None:
    with caplog.at_level(logging.WARNING), pictures(tmp_path, script, Recorder()) as drawn:
        drawn(row(5))
        drawn.finish()
    assert said in caplog.text
    assert [path.name for path in (tmp_path / epoch_folder(5)).iterdir()] == ["metrics.json"]


def test_a_missing_checkpoint_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), pictures(tmp_path, ECHO, Recorder()) as drawn:
        (tmp_path / "last.safetensors").unlink()
        drawn(row(5))
        drawn.finish()
    assert "last.safetensors" in caplog.text


def test_a_slow_drawer_holds_nothing_up_and_an_interruption_ends_it(tmp_path: Path) -> None:
    recorder, started = Recorder(), time.monotonic()
    with pytest.raises(KeyboardInterrupt), pictures(tmp_path, SLEEPING, recorder) as drawn:
        for epoch in (5, 10, 15):
            drawn(row(epoch, 20))
        raise KeyboardInterrupt
    assert time.monotonic() - started < 30
    assert recorder.folders == [epoch_folder(10)]  # its place was taken by epoch 15
    assert not list(tmp_path.rglob(".snapshot*"))


def test_a_new_run_clears_what_an_older_one_left_and_a_resumed_one_keeps_it(tmp_path: Path) -> None:
    old = tmp_path / epoch_folder(5) / "old.png"
    for resume in (True, False):
        old.parent.mkdir(parents=True, exist_ok=True)
        old.touch()
        with pictures(tmp_path, ECHO, Recorder(), resume=resume):
            assert old.exists() == resume


SHEET = """
import json, pathlib, sys
for line in sys.stdin:
    order = json.loads(line)
    pathlib.Path(order["folder"], "visualizations/latent_patterns.jpg").touch()
    print(json.dumps({"epoch": order["epoch"], "metrics": {}}), flush=True)
"""


def test_the_sheet_of_patterns_is_recorded_once(tmp_path: Path) -> None:
    recorder = Recorder()
    with pictures(tmp_path, SHEET, recorder) as drawn:
        for epoch in (5, 10):
            drawn(row(epoch))
            drawn.finish()
    assert recorder.folders == [epoch_folder(5), "visualizations", epoch_folder(10)]


LOOKING = """
import json, pathlib, sys
order = json.loads(sys.stdin.readline())
found = pathlib.Path(order["folder"], f"visualizations/epoch_{order['epoch']:03d}/.snapshot.safetensors").read_text()
print(json.dumps({"epoch": order["epoch"], "metrics": {found: 1.0}}), flush=True)
"""


@pytest.mark.parametrize("name", ["last", "best"])
def test_what_is_drawn_is_the_checkpoint_asked_for(tmp_path: Path, name: str) -> None:
    recorder = Recorder()
    with pictures(tmp_path, LOOKING, recorder, checkpoint=name) as drawn:
        drawn(row(5))
        drawn.finish()
    assert recorder.numbers == {5: {name: 1.0}}
