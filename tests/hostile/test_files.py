"""Files made to do harm: none runs code, reads other files, or takes memory that its own size does not justify."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import safetensors.torch

from tests.tiny import tiny_model
from tune.phases import PHASES
from tune.space_data import read_points, read_space
from wallpaper.data import PatternStore, StoreError
from wallpaper.data.archive import read_npz
from wallpaper.data.sources import find_pictures
from wallpaper.models.transition_model import TransitionModel
from wallpaper.plane import GROUP_NAMES
from wallpaper.training.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from wallpaper.training.ode_loop import load_ode
from wallpaper.training.vae_run import load_vae

SIDE = 8
HUGE = 10**12


class Harm:
    """Unpickled, it leaves a file."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.place,)


def dataset(path: Path, change: Callable[[h5py.File], object]) -> Path:
    """A small file of patterns, then changed."""
    with h5py.File(path, "w") as file:
        file["patterns"] = np.zeros((2, SIDE, SIDE, 3), np.uint8)
        file["labels"], file["group_names"] = np.array([0, 1]), [name.encode() for name in GROUP_NAMES]
        file["metadata/lattice"] = np.tile([1.0, 1.0, 90.0], (2, 1))
        change(file)
    return path


def test_the_file_that_is_changed_below_is_sound(tmp_path: Path) -> None:
    assert len(PatternStore(dataset(tmp_path / "x.h5", lambda file: None))) == 2


@pytest.mark.parametrize("name", ["patterns", "labels", "metadata/lattice"])
def test_content_of_other_files_is_not_read(tmp_path: Path, name: str) -> None:
    secret = dataset(tmp_path / "secret.h5", lambda file: None)
    other = tmp_path / "elsewhere.raw"
    other.write_bytes(bytes(10**4))

    def link(file: h5py.File) -> None:
        del file[name]
        file[name] = h5py.ExternalLink(str(secret), name)

    def store_outside(file: h5py.File) -> None:
        old = file[name]
        shape, kind = old.shape, old.dtype
        del file[name]
        file.create_dataset(name, shape, kind, external=[(str(other), 0, h5py.h5f.UNLIMITED)])

    def look_outside(file: h5py.File) -> None:
        with h5py.File(secret) as found:
            layout = h5py.VirtualLayout(found[name].shape, found[name].dtype)
            layout[...] = h5py.VirtualSource(found[name])
        del file[name]
        file.create_virtual_dataset(name, layout)

    for number, change in enumerate((link, store_outside, look_outside)):
        path = dataset(tmp_path / f"{number}.h5", change)
        with pytest.raises(StoreError, match=r"missing|its content lies in other files"):
            PatternStore(path)
        if name == "patterns":
            with pytest.raises(StoreError, match=r"missing|its content lies in other files"):
                find_pictures([path])


def test_a_group_of_another_file_is_not_entered(tmp_path: Path) -> None:
    secret = dataset(tmp_path / "secret.h5", lambda file: None)

    def link(file: h5py.File) -> None:
        del file["metadata"]
        file["metadata"] = h5py.ExternalLink(str(secret), "metadata")

    assert PatternStore(dataset(tmp_path / "x.h5", link)).column("lattice") is None


def test_sizes_are_bounded_before_anything_is_read(tmp_path: Path) -> None:
    """A compressed dataset of nothing can claim any size, and its file has a few kilobytes."""

    for number, (name, shape) in enumerate(
        [("patterns", (HUGE, SIDE, SIDE, 3)), ("patterns", (2, 10**6, 10**6, 3)), ("labels", (HUGE,)),
         ("group_names", (HUGE,)), ("metadata/note", (2, HUGE)), ("metadata/lattice", (HUGE, 3))]
    ):  # fmt: skip
        path = dataset(tmp_path / f"{number}.h5", lambda file, name=name, shape=shape: _claimed(file, name, shape))
        assert path.stat().st_size < 100_000
        with pytest.raises(StoreError, match=r"must|bytes|rows"):
            PatternStore(path)
    with pytest.raises(StoreError, match="must be at most"):
        find_pictures([tmp_path / "1.h5"])


def _claimed(file: h5py.File, name: str, shape: tuple[int, ...]) -> None:
    if name in file:
        del file[name]
    file.create_dataset(name, shape, "u1", chunks=tuple(min(64, size) for size in shape), compression="gzip")


def test_archives_with_objects_are_refused_unread(tmp_path: Path) -> None:
    place = tmp_path / "harm"
    np.savez(tmp_path / "splits.npz", train=np.array([Harm(place)], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        read_npz(tmp_path / "splits.npz")
    (tmp_path / "plain.npz").write_bytes(pickle.dumps(Harm(place)))
    with pytest.raises(ValueError, match="pickle"):
        read_npz(tmp_path / "plain.npz")
    assert not place.exists()


def test_an_archive_that_claims_more_than_there_is_memory_is_refused(tmp_path: Path) -> None:
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(content, {"descr": "<i8", "fortran_order": False, "shape": (10**15,)})
    with zipfile.ZipFile(tmp_path / "splits.npz", "w") as archive:
        archive.writestr("train.npy", content.getvalue())
    with pytest.raises(ValueError, match="allocate"):
        read_npz(tmp_path / "splits.npz")


@pytest.mark.parametrize("header", [b"[" * 118, b"(" * 9000, b"{'descr': '<i8', 'shape': (" + b"9" * 30 + b",)}"])
def test_an_archive_whose_header_is_no_header_is_refused(tmp_path: Path, header: bytes) -> None:
    array = b"\x93NUMPY\x02\x00" + len(header).to_bytes(4, "little") + header
    with zipfile.ZipFile(tmp_path / "splits.npz", "w") as archive:
        archive.writestr("train.npy", array)
    with pytest.raises(ValueError, match=r".") as refused:
        read_npz(tmp_path / "splits.npz")
    assert type(refused.value) is ValueError


def test_a_pickle_is_no_checkpoint_and_no_weights(tmp_path: Path) -> None:
    place = tmp_path / "harm"
    (tmp_path / "best.safetensors").write_bytes(pickle.dumps(Harm(place)))
    with pytest.raises(CheckpointError):
        load_checkpoint(tmp_path, "best")
    folder = tiny_model().save(tmp_path / "model")
    (folder / "vae.safetensors").write_bytes(pickle.dumps(Harm(place)))
    with pytest.raises(ValueError, match=r"vae\.safetensors"):
        TransitionModel.load(folder)
    assert not place.exists()


@pytest.mark.parametrize(
    "setting", [{"vae": {"hidden_dims": [2**20] * 4}}, {"vae": {"head_dim": 2**34}}, {"ode": {"hidden_dim": 2**24}}]
)
def test_a_description_cannot_ask_for_more_weights_than_come_with_it(
    tmp_path: Path, setting: dict[str, dict[str, Any]]
) -> None:
    folder = tiny_model().save(tmp_path / "model")
    description = json.loads((folder / "model.json").read_text())
    for part, values in setting.items():
        description[part] |= values
    (folder / "model.json").write_text(json.dumps(description))
    with pytest.raises(ValueError, match="more weights than are there"):
        TransitionModel.load(folder)


SENSELESS = [[-1, 4], [-(2**20), -(2**20)], [0, 0], [1.5, 4], [], {"a": 1}, "ab"]


@pytest.mark.parametrize("widths", SENSELESS, ids=str)
def test_a_description_that_makes_no_sense_is_refused(tmp_path: Path, widths: Any) -> None:
    """Not with torch's RuntimeError; and two negative widths do not pay for a third one."""
    folder, vae = tiny_model().save(tmp_path / "model"), tiny_model().vae
    description = json.loads((folder / "model.json").read_text())
    description["vae"]["hidden_dims"] = widths
    (folder / "model.json").write_text(json.dumps(description))
    with pytest.raises(ValueError, match=r"must describe a VAE and an ODE"):
        TransitionModel.load(folder)
    meta = {"vae": {**vae.settings, "hidden_dims": widths}}
    save_checkpoint(tmp_path, "best", weights=vae.state_dict(), state={}, meta=meta)
    with pytest.raises(CheckpointError, match="must describe a VAE"):
        load_vae(tmp_path)


def test_a_field_of_negative_width_is_refused(tmp_path: Path) -> None:
    ode = tiny_model().ode
    meta = {"ode": {**ode.options(), "hidden_dim": -5}}
    save_checkpoint(tmp_path, "best", weights=ode.state_dict(), state={}, meta=meta)
    with pytest.raises(CheckpointError, match="must describe a transition field"):
        load_ode(tmp_path)


def test_nor_can_a_checkpoint(tmp_path: Path) -> None:
    model = tiny_model()
    for name, part, load in (("vae", model.vae, load_vae), ("ode", model.ode, load_ode)):
        settings = {**model.vae.settings, "hidden_dims": [2**20] * 3} if name == "vae" else {
            **model.ode.options(), "hidden_dim": 2**24}  # fmt: skip
        save_checkpoint(tmp_path, "best", weights=part.state_dict(), state={}, meta={name: settings})
        with pytest.raises(CheckpointError, match="more weights than are there"):
            load(tmp_path)


def test_a_search_space_runs_no_python(tmp_path: Path) -> None:
    place, path = tmp_path / "harm", tmp_path / "space.yaml"
    path.write_text(f"!!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path ['{place}']]\n")
    with pytest.raises(ValueError, match="must hold YAML"):
        read_space(path, (PHASES["vae"],))
    assert not place.exists()


ALIASES = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9)}]\n" for number in range(1, 12)
)
"""Twelve lines that stand for 9^12 values."""


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", [ALIASES, ALIASES + "vae: {beta: *a11}\n", "vae: &a\n  beta: *a\n", "&a [*a]"])
def test_a_search_space_cannot_grow_when_it_is_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(text)
    for read in (read_space, read_points):
        with pytest.raises(ValueError, match="must hold at most 10000 values"):
            read(path, (PHASES["vae"],))


def test_a_folder_cannot_lead_out_of_itself_by_its_weights(tmp_path: Path) -> None:
    """Only the three known names are opened, whatever the description says."""
    folder = tiny_model().save(tmp_path / "model")
    description = json.loads((folder / "model.json").read_text())
    secret = tmp_path / "secret.safetensors"
    shutil.copy(folder / "vae.safetensors", secret)
    description["info"] = {"weights": "../secret.safetensors"}
    (folder / "model.json").write_text(json.dumps(description))
    secret.write_bytes(safetensors.torch.save({}))
    assert TransitionModel.load(folder).info == {"weights": "../secret.safetensors"}
