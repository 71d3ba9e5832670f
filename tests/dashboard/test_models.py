"""The models that the dashboard makes transitions with: where they come from, with which samples, and how many stay."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.making.models import MOST_LOADED, Models, choices
from dashboard.store import RunRecord, VersionRecord
from tests.tiny import SIDE, tiny_model
from wallpaper.data.samples import Samples


class Files:
    """A store of model folders, and of one registered version."""

    versions = (VersionRecord("named", 1, (), "r", 0.0, "", {}),)

    def __init__(self, folder: Any) -> None:
        self.folder, self.fetched = folder, 0

    def packed(self, name: str, version: int) -> Any:
        return self.folder / name / str(version)

    def file(self, run_id: str, path: str) -> Any:
        self.fetched += 1
        found = self.folder / run_id / path
        if not found.is_file():
            raise FileNotFoundError(path)
        return found


def test_a_run_keeps_a_model_that_is_loaded_once(tmp_path: Any) -> None:
    tiny_model().save(tmp_path / "a" / "model")
    files = Files(tmp_path)
    models = Models(files)  # type: ignore[arg-type]
    assert models.get("a") is models.get("a")
    assert files.fetched == 3
    with pytest.raises(ValueError, match="must keep a transition model"):
        models.get("b")


def test_a_registered_model_comes_with_its_samples(tmp_path: Any) -> None:
    models = Models(Files(tmp_path))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="named/1 must have a transition model packed with it"):
        models.get("named/1")
    tiny_model().save(tmp_path / "named" / "1" / "any")
    assert models.get("named/1").resolution == SIDE
    assert models.samples("named/1") is None  # an older one, without
    path = tmp_path / "named" / "1" / "samples.safetensors"
    path.write_bytes(b"damaged")
    with pytest.raises(ValueError, match="named/1 must hold whole samples"):
        models.samples("named/1")
    packed = Samples.generated(SIDE, 1)
    packed.save(path)
    found = models.samples("named/1")
    assert found is not None
    assert found.digest == packed.digest
    assert models.samples("shipped") is None


def test_few_models_stay_in_memory(tmp_path: Any) -> None:
    for name in "abcd":
        tiny_model().save(tmp_path / name / "model")
    files = Files(tmp_path)
    models = Models(files)  # type: ignore[arg-type]
    for name in "abcd":
        models.get(name)
    models.get("d")
    assert files.fetched == 3 * (MOST_LOADED + 1)
    models.get("a")
    assert files.fetched == 3 * (MOST_LOADED + 2)


def test_models_that_can_be_chosen() -> None:
    version = VersionRecord("wallpaper-transition", 2, ("champion",), "r1", 0.0, "", {})
    run = RunRecord("r2", "seven", "0", "FINISHED", 0.0, None, {"phase": "train_ode"}, {}, {})
    found = [(each.key, each.title) for each in choices([version], run)]
    assert found == [
        ("shipped", "shipped model"),
        ("wallpaper-transition/2", "wallpaper-transition 2 @champion"),
        ("r2", "run seven"),
    ]
    own = RunRecord("r1", "six", "0", "FINISHED", 0.0, None, {"phase": "train_ode"}, {}, {})
    assert [each.key for each in choices([version], own)] == ["shipped", "wallpaper-transition/2"]
    vae = RunRecord("r3", "eight", "0", "FINISHED", 0.0, None, {"phase": "train_vae"}, {}, {})
    assert [each.key for each in choices([], vae)] == ["shipped"]
