"""What `fuzz_readers` damages: a small valid file for each reader, how it is read, and with which errors refused."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import torch
import yaml
from PIL import Image

from tune.phases import PHASES
from tune.space_data import build_space, read_space
from wallpaper import journal
from wallpaper.data import PatternStore, generate_dataset
from wallpaper.data.archive import read_npz, write_npz
from wallpaper.data.samples import Samples
from wallpaper.data.sources import find_pictures, read_items
from wallpaper.evaluation.record import read_record
from wallpaper.judge import Certificate, analyse, read_picture
from wallpaper.judge.reading import decode_picture
from wallpaper.models.ode import TransitionODE
from wallpaper.models.transition_model import TransitionModel
from wallpaper.models.vae import SymmetryVAE
from wallpaper.patterns import generate_pattern
from wallpaper.pictures.render import render
from wallpaper.plane import GROUP_NAMES
from wallpaper.training.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from wallpaper.training.config import load_config, save_config
from wallpaper.training.report import read_history, write_history
from wallpaper.training.vae_config import VaeConfig
from wallpaper.training.vae_run import load_vae

SIDE = 16
"""The least that patterns are generated with."""

SMALL = 8
"""Of any other file: the smaller it is, the more of the damage hits what says how large things are."""


@dataclass(frozen=True, slots=True)
class Reader:
    """One reader."""

    name: str
    file: str
    """The file that is damaged, by its name in the folder."""
    make: Callable[[Path], object]
    """Writes a whole example into a folder."""
    read: Callable[[Path], object]
    """Gets the damaged file's path."""
    refusals: tuple[type[BaseException], ...] = (ValueError,)
    text: bool = False

    def warm(self) -> None:
        """What the first call of any reader imports and allocates is not the case's fault."""
        torch.zeros(8, 8) @ torch.zeros(8, 8)
        Image.init()


def _patterns(folder: Path) -> None:
    generate_dataset(folder / "patterns.h5", per_group=1, side=SIDE, seed=1, workers=1)


def _packed(folder: Path) -> None:
    """Another tool's file: compressed, in blocks."""
    with h5py.File(folder / "patterns.h5", "w") as file:
        values = np.random.default_rng(0).random((4, SMALL, SMALL, 3), dtype=np.float32)
        file.create_dataset("patterns", data=values, chunks=(2, SMALL, SMALL, 3), compression="gzip")
        file["labels"], file["group_names"] = np.arange(4), [name.encode() for name in GROUP_NAMES]
        file.create_dataset("metadata/lattice", data=np.tile([1.0, 1.0, 90.0], (4, 1)), compression="gzip")


def _read_patterns(path: Path) -> None:
    store = PatternStore(path)
    store.batch(range(min(len(store), 4)))
    store.lattice(0)
    _ = store.digest, store.settings


def _read_pictures(path: Path) -> None:
    for batch in find_pictures([path]).batches:
        for _ in read_items(batch):
            pass


def _picture(kind: str) -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        pattern = generate_pattern("p4", 3, 32)
        Image.fromarray(render(pattern.pixels, pattern.lattice, size=64, cells=2.5)).save(folder / f"picture.{kind}")

    return make


def _read_bytes(path: Path) -> None:
    decode_picture(io.BytesIO(path.read_bytes()), most_pixels=2**20, formats=("PNG", "JPEG", "WEBP"))


def _vae() -> SymmetryVAE:
    return SymmetryVAE(resolution=SIDE, latent_dim=2, hidden_dims=(4, 4))


def _checkpoint(folder: Path) -> None:
    vae = _vae()
    meta = {"vae": {**vae.settings, "hidden_dims": [4, 4]}}
    save_checkpoint(folder, "best", weights=vae.state_dict(), state={}, meta=meta)


def _model(folder: Path) -> None:
    TransitionModel(_vae(), TransitionODE(latent_dim=2, hidden_dim=8)).save(folder)


def _load_model(path: Path) -> None:
    TransitionModel.load(path.parent)


def _space(folder: Path) -> None:
    rows = {"beta": {"low": 1e-4, "high": 1.0, "log": True}, "pool": ["average", "flatten"]}
    (folder / "space.yaml").write_text(yaml.safe_dump({"vae": rows}), encoding="utf-8")


def _read_space(path: Path) -> None:
    phases = (PHASES["vae"],)
    for rows in read_space(path, phases).values():
        build_space(rows, phases[0], VaeConfig())


def _record(folder: Path) -> None:
    (folder / "evaluation.json").write_text('{"metrics": {"psnr": 21.5, "w2": 0.9}, "weights": "ab"}', encoding="utf-8")


def _certificate(folder: Path) -> None:
    pattern = generate_pattern("p4", 3, 32)
    found = analyse(render(pattern.pixels, pattern.lattice, size=96, cells=2.5))
    assert found.certificate is not None
    (folder / "certificate.json").write_text(found.certificate.to_json(), encoding="utf-8")


def _journal(folder: Path) -> None:
    kept = journal.Journal(folder, journal.Head("0" * 32, "sqlite:///x.db", "host", "1 1"))
    for entry in ({"params": {"a": "1"}}, {"metrics": [["loss", 0.5, 1, 1]]}, {"tag": ["a", "b"]}, {"file": ["a", ""]}):
        kept.append(entry)


def _numbers(folder: Path) -> None:
    write_npz(folder / "splits.npz", {name: np.arange(4) for name in ("train", "val", "test")})


_FILES = (FileNotFoundError, ValueError)
_ALL = (
    Reader("patterns", "patterns.h5", _patterns, _read_patterns),
    Reader("patterns-packed", "patterns.h5", _packed, _read_patterns),
    Reader("import-hdf5", "patterns.h5", _packed, _read_pictures),
    Reader("import-png", "picture.png", _picture("png"), read_picture),
    Reader("import-tiff", "picture.tiff", _picture("tiff"), read_picture),
    Reader("upload-jpeg", "picture.jpeg", _picture("jpeg"), _read_bytes),
    Reader("upload-webp", "picture.webp", _picture("webp"), _read_bytes),
    Reader("splits", "splits.npz", _numbers, read_npz),
    Reader("checkpoint", "best.safetensors", _checkpoint, lambda path: load_checkpoint(path.parent, "best"),
           (CheckpointError,)),
    Reader("vae", "best.safetensors", _checkpoint, lambda path: load_vae(path.parent), (CheckpointError,)),
    Reader("model", "model.json", _model, _load_model, _FILES, text=True),
    Reader("weights", "vae.safetensors", _model, _load_model, _FILES),
    Reader("samples", "samples.safetensors", lambda folder: Samples.generated(SIDE, 1).save(
        folder / "samples.safetensors"), Samples.load),
    Reader("config", "config.json", lambda folder: save_config(folder / "config.json", VaeConfig()),
           lambda path: load_config(VaeConfig, path), text=True),
    Reader("history", "history.json", lambda folder: write_history(folder, [{"epoch": 1, "val/loss": 0.5}]),
           lambda path: read_history(path.parent), text=True),
    Reader("evaluation", "evaluation.json", _record, read_record, text=True),
    Reader("certificate", "certificate.json", _certificate, lambda path: Certificate.from_json(path.read_text("utf-8")),
           text=True),
    Reader("journal", f"unsent-{'0' * 32}.jsonl", _journal, journal.read, text=True),
    Reader("space", "space.yaml", _space, _read_space, text=True),
)  # fmt: skip
READERS = {reader.name: reader for reader in _ALL}
