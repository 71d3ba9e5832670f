"""What is worth looking at: runs that go on, runs that ended last, champions, and pictures to show.

Choices and their order only; knows no page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dashboard.store import File, RunRecord, VersionRecord
from dashboard.views.progress import parts_of
from dashboard.views.trials import TRIAL

MOST_RECENT = 8

MOST_PICTURES = 8

STILL = ("latent_space.png", "reconstructions.png")

CHAMPION = "champion"

DRAWN = "best.pictures"
"""Tag of a search's phase: the run of the trial whose pictures are there."""


@dataclass(frozen=True, slots=True)
class Going:
    """A run as a card shows it."""

    run: RunRecord
    epoch: int
    epochs: int | None
    loss: float | None

    @property
    def share(self) -> float:
        """What is done, 0 to 1."""
        return min(1.0, self.epoch / self.epochs) if self.epochs else 0.0


def going(runs: Sequence[RunRecord]) -> list[Going]:
    """The runs that go on, those that consist of others first, then the newest."""
    return [_card(run) for run in sorted((r for r in runs if r.is_running), key=lambda r: (r.parent != "", -r.started))]


def recent(runs: Sequence[RunRecord]) -> list[Going]:
    """The runs that ended last, without a search's trials."""
    ended = [run for run in runs if not run.is_running and TRIAL not in run.tags]
    return [_card(run) for run in sorted(ended, key=lambda run: -(run.ended or run.started))[:MOST_RECENT]]


def drawn(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """The runs that may have pictures of their epochs, in the order given: trainings, and searches' best trials."""
    best = {run.tags[DRAWN] for run in runs if DRAWN in run.tags}
    trainings = (run for run in runs if run.phase.startswith("train_"))
    return [run for run in trainings if TRIAL not in run.tags or run.run_id in best]


def champions(versions: Sequence[VersionRecord]) -> list[VersionRecord]:
    """The versions that bear the alias "champion", else the newest of each model."""
    names = dict.fromkeys(version.name for version in versions)
    own = {version.name: version for version in versions if CHAMPION in version.aliases}
    return [own.get(name) or next(each for each in versions if each.name == name) for name in names]


def pictures(files: Sequence[File]) -> list[str]:
    """Paths of the transitions that move, or else of the pictures, of one epoch's folder."""
    names = [each.path for each in files if not each.is_folder]
    moving = [name for name in names if name.endswith(".gif")]
    return (moving or [name for name in names if name.rsplit("/", 1)[-1] in STILL])[:MOST_PICTURES]


def title_of(path: str) -> str:
    """What a picture shows, from its name.

    >>> title_of("visualizations/epoch_010/transitions/p1_to_p6m.gif")
    'p1 → p6m'
    """
    name = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return name.replace("_to_", " → ").replace("_", " ")


def counts(runs: Sequence[RunRecord]) -> Mapping[str, int]:
    """How many runs there are of each state."""
    found: dict[str, int] = {}
    for run in runs:
        found[run.status] = found.get(run.status, 0) + 1
    return found


def _card(run: RunRecord) -> Going:
    part = next(iter(parts_of(run.latest)[::-1]), None)
    point = None if part is None else run.latest[f"{part}/train/loss" if part else "train/loss"]
    epochs = run.settings.get("epochs", "")
    planned = int(epochs) if epochs.isdecimal() and part == "" else None
    return Going(run, point.step if point else 0, planned, point.value if point else None)
