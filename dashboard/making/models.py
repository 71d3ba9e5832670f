"""Transition models by key: the one that comes with the package, registered ones with the samples that are packed
with them, and those that runs keep; each is loaded once.

Weights only, as safetensors: nothing is unpickled. Knows no page.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import wallpaper
from dashboard.recent import Recent
from dashboard.store import RunRecord, Store, VersionRecord
from wallpaper.data.samples import Samples
from wallpaper.model_files import DESCRIPTION, FILES
from wallpaper.models.transition_model import TransitionModel

SHIPPED = "shipped"
"""The key of the model that is part of the package. A registered one's is `name/version`, a run's the run's id."""

SHIPPED_FOLDER = Path(wallpaper.__file__).parent / "shipped"

FOLDER = "model"
"""Below a run's files."""


SAMPLES = "samples.safetensors"
"""Among what is packed with a registered model."""

MOST_LOADED = 3
"""Models in memory, and samples; the ones used longest ago are dropped."""

MAKERS = frozenset({"train_ode", "demo"})
"""Phases of runs that may keep a transition model."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A model that can be chosen."""

    key: str
    title: str


def choices(versions: Sequence[VersionRecord], run: RunRecord | None) -> list[Choice]:
    """The shipped model, the registered ones, and the chosen run's; whether a run keeps one shows when it is asked."""
    found = [Choice(SHIPPED, "shipped model")]
    for version in versions:
        aliases = "".join(f" @{alias}" for alias in version.aliases)
        found.append(Choice(key_of(version), f"{version.name} {version.version}{aliases}"))
    if run is not None and run.phase in MAKERS and all(run.run_id != version.run_id for version in versions):
        found.append(Choice(run.run_id, f"run {run.name}"))
    return found


def key_of(version: VersionRecord) -> str:
    """Of a registered model."""
    return f"{version.name}/{version.version}"


class Models:
    """Loads models with their samples and keeps the last used. May be used by several threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._loaded: Recent[str, TransitionModel] = Recent(MOST_LOADED)
        self._samples: Recent[str, Samples] = Recent(MOST_LOADED)

    def get(self, key: str) -> TransitionModel:
        """The model of a key. Blocks while it is fetched and loaded.

        Raises: ValueError: the run or version keeps no model, or it cannot be read.
        """
        with self._lock:
            if key not in self._loaded:
                self._loaded[key] = TransitionModel.load(self._folder(key))
            return self._loaded.use(key)

    def samples(self, key: str) -> Samples | None:
        """The patterns that are packed with a model, None if none are. Blocks while they are fetched.

        Only a registered model has some. Raises: ValueError: they cannot be read.
        """
        version = self._version(key)
        if version is None:
            return None
        with self._lock:
            if key not in self._samples:
                path = self._packed(version) / SAMPLES
                if not path.is_file():
                    return None
                try:
                    self._samples[key] = Samples.load(path)
                except (OSError, ValueError) as error:
                    raise ValueError(f"{key} must hold whole samples, but: {error}; choose another model") from error
            return self._samples.use(key)

    def _version(self, key: str) -> VersionRecord | None:
        return next((version for version in self._store.versions if key_of(version) == key), None)

    def _packed(self, version: VersionRecord) -> Path:
        try:
            return self._store.packed(version.name, version.version)
        except OSError as error:
            raise ValueError(f"{error}; choose another model") from error

    def _folder(self, key: str) -> Path:
        if key == SHIPPED:
            return SHIPPED_FOLDER
        version = self._version(key)
        if version is not None:
            folders = [found.parent for found in self._packed(version).glob(f"*/{DESCRIPTION}")]
            if not folders:
                raise ValueError(
                    f"{key} must have a transition model packed with it, but has none; choose another model"
                )
            return folders[0]
        try:
            files = [self._store.file(key, f"{FOLDER}/{name}") for name in FILES]
        except (OSError, ValueError) as error:
            raise ValueError(
                f"run {key[:8]} must keep a transition model below {FOLDER}/, but does not; choose another model"
            ) from error
        return files[-1].parent
