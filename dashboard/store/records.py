"""What the store knows, as plain data. Nothing here knows MLflow or a page.

Frozen, so that threads and pages share them without a lock.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

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
    """The history of one metric: one value for each step, the steps rising.

    Kept as arrays, eight bytes a number: a dashboard that is left open holds many long ones.
    """

    steps: Sequence[int] = ()
    values: Sequence[float] = ()
    times: Sequence[float] = ()
    """Seconds since 1970."""

    def __post_init__(self) -> None:
        for name, kind in (("steps", "q"), ("values", "d"), ("times", "d")):
            object.__setattr__(self, name, array(kind, getattr(self, name)))

    def __len__(self) -> int:
        return len(self.steps)

    @staticmethod
    def recorded(steps: Sequence[int], values: Sequence[float], times: Sequence[float]) -> Curve:
        """Of points in the order in which they were recorded: of a step that a resumed run recorded again the last.

        >>> Curve.recorded([1, 2, 1], [3.0, 2.0, 1.0], [0.0, 0.0, 9.0]) == Curve([1, 2], [1.0, 2.0], [9.0, 0.0])
        True
        """
        if all(one < other for one, other in pairwise(steps)):
            return Curve(steps, values, times)
        last = {step: place for place, step in enumerate(steps)}
        places = [last[step] for step in sorted(last)]
        return Curve(sorted(last), [values[place] for place in places], [times[place] for place in places])


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
    model_tags: Mapping[str, str] = field(default_factory=dict)
    """Of the registered model, which all its versions share."""


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
