"""A dataset and an untrained VAE: small enough for a search in seconds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
import torch

from wallpaper.data import generate_dataset
from wallpaper.models.vae import SymmetryVAE
from wallpaper.training.checkpoint import save_checkpoint

if TYPE_CHECKING:
    from tests.tune.faults import Search

ROOT = Path(__file__).resolve().parents[2]


class Ground(NamedTuple):
    """What a search starts from."""

    data: Path
    vae: Path
    environment: dict[str, str]
    """Of a process that searches; its store is `database`."""
    database: Path
    tables: Path
    """A store that nobody has used yet."""


@pytest.fixture(scope="session")
def ground(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    folder = tmp_path_factory.mktemp("search")
    generate_dataset(folder / "patterns.h5", 14, side=32)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        vae = SymmetryVAE(resolution=16, latent_dim=4, hidden_dims=(8, 16))
    save_checkpoint(folder / "vae", "best", weights=vae.state_dict(), state={}, meta={"vae": dict(vae.settings)})
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW", "PYTHON"))}
    database = folder / "store" / "mlflow.db"
    database.parent.mkdir()
    shutil.copy(tables, database)
    environment = {**kept, "MLFLOW_TRACKING_URI": f"sqlite:///{database}", "OMP_NUM_THREADS": "1"}
    return Ground(folder / "patterns.h5", folder / "vae", environment, database, tables)


@pytest.fixture
def searches() -> Iterator[list[Search]]:
    """Those that the test begins, which end with it."""
    begun: list[Search] = []
    yield begun
    for search in begun:
        search.clear()
