"""What the store knows, as plain data. Nothing here knows MLflow or a page.

Frozen, so that threads and pages share them without a lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

RUNNING = "RUNNING"

SETTING = "cfg."
"""Before each setting's name among a run's parameters, as the library's tracking records it."""


@dataclass(frozen=True, slots=True)
class Latest:
    """The last point of a metric."""

    value: float
    step: int
    time: float
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run, without the histories of its metrics."""

    run_id: str
    name: str
    experiment_id: str
    status: str
    """RUNNING, SCHEDULED, FINISHED, FAILED or KILLED."""
    started: float
    """Seconds since 1970."""
    ended: float | None
    tags: Mapping[str, str]
    params: Mapping[str, str]
    latest: Mapping[str, Latest]

    @property
    def phase(self) -> str:
        """What kind of run: "train_vae", "train_ode", "search", "demo", ...; empty if it does not say."""
        return self.tags.get("phase", "")

    @property
    def parent(self) -> str:
        """The id of the run that this one is a part of; empty if it is of none."""
        return self.tags.get("mlflow.parentRunId", "")

    @property
    def is_running(self) -> bool:
        """Whether it says so itself; its process may have gone."""
        return self.status == RUNNING

    @property
    def settings(self) -> dict[str, str]:
        """The configuration that it was started with."""
        return {name.removeprefix(SETTING): value for name, value in self.params.items() if name.startswith(SETTING)}

    @property
    def last_told(self) -> float:
        """When it last recorded a number, or began; seconds since 1970."""
        return max((point.time for point in self.latest.values()), default=self.started)


@dataclass(frozen=True, slots=True)
class Curve:
    """The history of one metric: one value for each step, the last one where a step was recorded twice."""

    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    """Seconds since 1970."""

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """One version of a registered model."""

    name: str
    version: int
    aliases: tuple[str, ...]
    run_id: str
    created: float
    description: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class File:
    """A file or folder that a run keeps."""

    path: str
    is_folder: bool
    size: int


@dataclass(frozen=True, slots=True)
class Connection:
    """Whether the store answers."""

    answered: float | None = None
    """When it last did, in seconds since 1970; None if it never has."""
    error: str = ""
    """Why it does not; empty while it does."""
    retry_at: float = 0.0
    """When it is asked next, while it does not answer."""

    @property
    def is_up(self) -> bool:
        """It answered when it was last asked."""
        return self.answered is not None and not self.error
