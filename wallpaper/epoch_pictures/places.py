"""Where the pictures of an epoch lie, and what a process needs to know to draw them.

Paths and plain data only.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

Phase: TypeAlias = Literal["vae", "ode"]

VISUALIZATIONS = "visualizations"
"""Below a run's folder, and among the files that a tracker keeps of it."""

METRICS = "metrics.json"

SNAPSHOT = ".snapshot"
"""Name of the checkpoint that an epoch is drawn from, in the epoch's folder while that is being done."""


def epoch_folder(epoch: int) -> str:
    """Name of an epoch's folder, below a run's.

    >>> epoch_folder(5)
    'visualizations/epoch_005'
    """
    return f"{VISUALIZATIONS}/epoch_{epoch:03d}"


def epoch_of(folder: str) -> int | None:
    """The epoch whose folder has this name, None of any other; the inverse of `epoch_folder`.

    >>> epoch_of("visualizations/epoch_1000")
    1000
    """
    match = re.fullmatch(rf"{VISUALIZATIONS}/epoch_(\d+)", folder)
    return int(match[1]) if match else None


@dataclass(frozen=True, slots=True)
class Order:
    """One set of pictures to be drawn."""

    phase: Phase
    epoch: int
    folder: Path
    """Of the training, absolute."""
    data: Path
    """The dataset, absolute."""
    vae: Path | None = None
    """Folder of the VAE under a transition field, absolute."""

    @property
    def target(self) -> Path:
        """Where the pictures go."""
        return self.folder / epoch_folder(self.epoch)

    def to_mapping(self) -> dict[str, Any]:
        """Plain data."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}

    @classmethod
    def from_mapping(cls, values: dict[str, Any]) -> Order:
        """What `to_mapping` gave."""
        vae = values["vae"]
        return cls(
            values["phase"],
            int(values["epoch"]),
            Path(values["folder"]),
            Path(values["data"]),
            Path(vae) if vae else None,
        )
