"""Transition models by key: the one that comes with the package, and those that runs keep; each is loaded once.

Weights only, as safetensors: nothing is unpickled. Knows no page.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import wallpaper
from dashboard.store import RunRecord, Store, VersionRecord
from wallpaper.models.transition_model import DESCRIPTION, TransitionModel

SHIPPED = "shipped"
"""The key of the model that is part of the package; every other key is the id of a run that keeps a model."""

SHIPPED_FOLDER = Path(wallpaper.__file__).parent / "shipped"

FOLDER = "model"
"""Below a run's files."""

PARTS = ("vae.safetensors", "ode.safetensors", DESCRIPTION)

MOST_LOADED = 3
"""Models in memory; the one used longest ago is dropped."""

MAKERS = frozenset({"train_ode", "demo", "register"})
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
        if version.run_id and all(version.run_id != each.key for each in found):
            aliases = "".join(f" @{alias}" for alias in version.aliases)
            found.append(Choice(version.run_id, f"{version.name} {version.version}{aliases}"))
    if run is not None and run.phase in MAKERS and all(run.run_id != each.key for each in found):
        found.append(Choice(run.run_id, f"run {run.name}"))
    return found


class Models:
    """Loads models and keeps the last used. May be used by several threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._loaded: OrderedDict[str, TransitionModel] = OrderedDict()

    def get(self, key: str) -> TransitionModel:
        """The model of a key. Blocks while it is fetched and loaded.

        Raises: ValueError: the run keeps no model, or it cannot be read.
        """
        with self._lock:
            if key not in self._loaded:
                self._loaded[key] = TransitionModel.load(self._folder(key))
            self._loaded.move_to_end(key)
            while len(self._loaded) > MOST_LOADED:
                self._loaded.popitem(last=False)
            return self._loaded[key]

    def _folder(self, key: str) -> Path:
        if key == SHIPPED:
            return SHIPPED_FOLDER
        try:
            files = [self._store.file(key, f"{FOLDER}/{name}") for name in PARTS]
        except (OSError, ValueError) as error:
            raise ValueError(
                f"run {key[:8]} must keep a transition model below {FOLDER}/, but does not; choose another model"
            ) from error
        return files[-1].parent
