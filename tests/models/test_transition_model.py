"""The model's folder: what was saved is loaded bit for bit, and nothing else is taken for a model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from tests.tiny import tiny_model
from wallpaper.models.transition_model import TransitionModel
from wallpaper.models.vae import Head

FILES = {"model.json", "ode.safetensors", "vae.safetensors"}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return tiny_model().save(tmp_path / "deep" / "model")


@pytest.mark.parametrize("head", ["rgb", "palette"])
def test_what_was_saved_is_loaded_bit_for_bit(head: Head, tmp_path: Path) -> None:
    model = tiny_model(head)
    model.ode.fit_scale(torch.randn(50, 4, generator=torch.Generator().manual_seed(0)))
    folder = model.save(tmp_path / "model")
    found = TransitionModel.load(folder)
    for before, after in ((model.vae, found.vae), (model.ode, found.ode)):
        weights = after.state_dict()
        assert list(before.state_dict()) == list(weights)
        assert all(torch.equal(value, weights[name]) for name, value in before.state_dict().items())
    assert found.vae.settings == model.vae.settings
    assert found.ode.options() == model.ode.options()
    assert found.info == {"note": "untrained"}
    assert found.resolution == 32
    assert not found.vae.training
    assert not found.ode.training


def test_the_loaded_model_computes_the_same(saved: Path) -> None:
    latent, groups = torch.randn(2, 4, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 16])
    outputs = []
    for model in (tiny_model(), TransitionModel.load(saved)):
        with torch.no_grad():
            outputs.append((model.vae.decode(latent, groups), model.ode.solve(latent, groups, groups.flip(0)).latents))
    assert all(torch.equal(before, after) for before, after in zip(*outputs, strict=True))


def test_the_folder_holds_plain_files_alone(saved: Path) -> None:
    assert {path.name for path in saved.iterdir()} == FILES
    description = json.loads((saved / "model.json").read_text())
    assert description["format"] == "wallpaper-transition-model"
    for name in ("vae", "ode"):
        assert safetensors.torch.load_file(saved / f"{name}.safetensors")
        assert (saved / f"{name}.safetensors").read_bytes()[8:9] == b"{", "a header of JSON, neither zip nor pickle"


def test_a_newer_model_replaces_an_older_one(saved: Path) -> None:
    other = tiny_model("palette", seed=1)
    other.save(saved)
    assert TransitionModel.load(saved).vae.settings["head"] == "palette"
    assert {path.name for path in saved.iterdir()} == FILES


def test_a_folder_is_a_model_only_once_it_is_whole(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A save that is cut off leaves no description, neither a new one nor that of the model before."""

    def fail(*_: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(safetensors.torch, "save_file", fail)
        with pytest.raises(OSError, match="disk full"):
            tiny_model(seed=1).save(saved)
    assert not (saved / "model.json").exists()
    with pytest.raises(FileNotFoundError, match=r"model\.json is missing"):
        TransitionModel.load(saved)


def test_a_latent_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`vae.latent_dim == ode.latent_dim` must hold, but got 4 and 3; train the"):
        TransitionModel(tiny_model().vae, tiny_model(latent_dim=3).ode)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no transition model at .*: model\.json is missing; train one or"):
        TransitionModel.load(tmp_path)


@pytest.mark.parametrize("text", ["{", "\x00\x01", ""])
def test_a_damaged_description_is_refused(saved: Path, text: str) -> None:
    (saved / "model.json").write_text(text)
    with pytest.raises(ValueError, match=r"model\.json must be JSON, but is damaged"):
        TransitionModel.load(saved)


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": "other", "version": 1}'])
def test_a_foreign_description_is_refused(saved: Path, text: str) -> None:
    (saved / "model.json").write_text(text)
    with pytest.raises(ValueError, match=r"model\.json must have format 'wallpaper-transition-model' and version 1"):
        TransitionModel.load(saved)


def test_another_version_is_refused(saved: Path) -> None:
    edit(saved, version=2)
    with pytest.raises(ValueError, match=r"must have format 'wallpaper-transition-model' and version 1"):
        TransitionModel.load(saved)


@pytest.mark.parametrize(
    "changes",
    [
        {"vae": {"resolution": 32}},
        {"ode": {"latent_dim": 4, "wings": 2}},
        {"vae": None},
        {"ode": {"latent_dim": "four"}},
        {"vae": {"resolution": 33, "latent_dim": 4}},
    ],
    ids=str,
)
def test_a_description_that_builds_no_network_is_refused(saved: Path, changes: dict[str, object]) -> None:
    edit(saved, **changes)
    with pytest.raises(ValueError, match=r"model\.json must describe "):
        TransitionModel.load(saved)


@pytest.mark.parametrize("name", ["vae", "ode"])
def test_missing_weights_are_named(saved: Path, name: str) -> None:
    (saved / f"{name}.safetensors").unlink()
    with pytest.raises(ValueError, match=rf"{name}\.safetensors must hold this model's weights, but does not: No such"):
        TransitionModel.load(saved)


@pytest.mark.parametrize("name", ["vae", "ode"])
@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_truncated_weights_are_named(saved: Path, name: str, share: float) -> None:
    path = saved / f"{name}.safetensors"
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ValueError, match=rf"{name}\.safetensors must hold this model's weights, but does not: "):
        TransitionModel.load(saved)


def test_weights_of_another_network_are_named(saved: Path) -> None:
    other = tiny_model(latent_dim=5).save(saved.parent / "other")
    (other / "ode.safetensors").replace(saved / "ode.safetensors")
    with pytest.raises(ValueError, match=r"ode\.safetensors must hold this model's weights, but does not: .*size"):
        TransitionModel.load(saved)


def test_a_pickle_in_place_of_weights_is_not_executed(saved: Path) -> None:
    torch.save({"a": torch.zeros(1)}, saved / "vae.safetensors")
    with pytest.raises(ValueError, match=r"vae\.safetensors must hold this model's weights"):
        TransitionModel.load(saved)


def edit(folder: Path, **changes: object) -> None:
    """Change entries of the description."""
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_half_precision_halves_the_files_and_rounds_the_weights(tmp_path: Path) -> None:
    model = tiny_model()
    whole, half = model.save(tmp_path / "whole"), model.save(tmp_path / "half", half=True)
    sizes = [sum(len(t.numpy().tobytes()) for t in safetensors.torch.load_file(f / "ode.safetensors").values())
             for f in (whole, half)]  # fmt: skip
    assert sizes[1] == sizes[0] / 2
    for name, value in TransitionModel.load(half).ode.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, model.ode.state_dict()[name].half().float())
