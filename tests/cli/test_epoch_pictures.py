"""The pictures of an epoch, drawn from real trainings: all files are there, can be opened and show what they should."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from PIL import Image, ImageSequence

from wallpaper.epoch_pictures.places import Order
from wallpaper.epoch_pictures.snapshot import take_snapshot
from wallpaper.epoch_pictures.worker import answer
from wallpaper.plane import GROUP_NAMES
from wallpaper.transition import CANONICAL

BOTH = {"latent_space.png", "reconstructions.png", "reconstruction_tiles.png", "loss_curves.png"}


def drawn(project: Path, phase: str) -> tuple[Path, dict[str, float]]:
    """The folder of the newest run's first epoch, drawn, and the metrics that came with it."""
    (vae,), (run,) = (project / "output" / "vae").iterdir(), (project / "output" / phase).iterdir()
    order = Order(phase, 1, run, project / "data" / "patterns.h5", vae if phase == "ode" else None)  # type: ignore[arg-type]
    take_snapshot(run, order.target)
    said = answer(json.dumps(order.to_mapping()))
    assert "error" not in said, said
    return order.target, said["metrics"]


def opened(folder: Path) -> set[str]:
    """Names of the pictures, each of which can be read and is more than one colour."""
    found = set()
    for path in folder.rglob("*.*"):
        if path.suffix in (".png", ".gif"):
            with Image.open(path) as picture:
                assert any(low < high for low, high in picture.convert("RGB").getextrema())  # type: ignore[misc]
            found.add(path.relative_to(folder).as_posix())
    return found


def test_the_vae_s_set_is_whole(project: Path) -> None:
    folder, metrics = drawn(project, "vae")
    assert opened(folder) == BOTH
    assert set(metrics) == {"latent/silhouette", "latent/scatter_ratio", "pictures/cpu_seconds"}
    assert not list(folder.glob(".*"))


def test_what_pictures_show_lies_beside_them_as_data(project: Path) -> None:
    folder, metrics = drawn(project, "vae")
    latents = json.loads((folder / "latent_space.json").read_text())
    assert list(latents["groups"]) == list(GROUP_NAMES)
    for group in latents["groups"].values():
        assert len(group["points"]) == len(group["indices"]) > 0
        assert {len(point) for point in group["points"]} == {len(latents["axes"])} == {3}
    assert latents["metrics"]["latent/silhouette"] == metrics["latent/silhouette"]
    assert latents["trajectories"] == []
    found = json.loads((folder / "reconstructions.json").read_text())
    assert [row["group"] for row in found["rows"]] == list(GROUP_NAMES)
    assert all(row["psnr"] == pytest.approx(-10 * math.log10(row["mse"])) for row in found["rows"])
    with Image.open(folder / "reconstruction_tiles.png") as tiles:
        assert tiles.size == (3 * found["tile"], len(GROUP_NAMES) * found["tile"])


def test_the_field_s_set_is_whole(project: Path) -> None:
    folder, metrics = drawn(project, "ode")
    names = [f"transitions/{source}_to_{target}" for source, target in CANONICAL]
    transitions = {name + ending for name in names for ending in (".png", ".gif", "-path.png")}
    sheets = {"transition_matrix.png", "endpoint_errors.png", "symmetry_spectrum.png"}
    assert opened(folder) == BOTH | sheets | transitions
    paths = json.loads((folder / "latent_space.json").read_text())["trajectories"]
    assert [(path["source"], path["target"]) for path in paths] == list(CANONICAL)
    assert metrics["pairs/endpoint_largest"] >= metrics["pairs/endpoint_mean"] > 0
    for name in names:
        with Image.open(folder / f"{name}.gif") as animation:
            times = [frame.info["duration"] for frame in ImageSequence.Iterator(animation)]
        # 50 frames of 50 ms; what a GIF's writer finds equal to the frame before, it shows longer
        assert sum(times) == 50 * 50
        assert set(times) <= {50 * count for count in range(1, 51)}


def test_a_set_that_cannot_be_drawn_is_told_in_words(project: Path) -> None:
    (run,) = (project / "output" / "vae").iterdir()
    order = Order("vae", 1, run, project / "nothing.h5")
    take_snapshot(run, order.target)
    assert "nothing.h5" in answer(json.dumps(order.to_mapping()))["error"]
    assert not list(order.target.glob(".*"))


@pytest.mark.parametrize("phase", ["vae", "ode"])
def test_trainings_leave_metrics_that_are_the_history_s_row(project: Path, phase: str) -> None:
    (run,) = (project / "output" / phase).iterdir()
    (row,) = json.loads((run / "history.json").read_text())
    assert json.loads((run / "visualizations" / "epoch_001" / "metrics.json").read_text()) == row
    assert {"best_model.safetensors", "final_model.safetensors"} <= {path.name for path in run.iterdir()}
