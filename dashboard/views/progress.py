"""Where a training stands: epoch, loss, the best validation, learning rate, what is left.

A run names its metrics as its loop reports them ("train/loss"); a run that holds several trainings puts a part's name
before ("vae/train/loss").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from dashboard.store import Curve, RunRecord

LOSS = "train/loss"

BEST_BY = ("val/flow", "val/wasserstein2", "val/loss")
"""What may decide which epoch is kept, lowest best; the library decides by the first of them that it validates."""

RECENT = 10
"""Epochs from whose duration the rest is told."""

STALE_EPOCHS, STALE_SECONDS = 5, 90.0
"""A live run is stale when it has told nothing for so many of its epochs, and at least so long."""

STATES = {"FINISHED": "finished", "FAILED": "failed", "KILLED": "stopped", "SCHEDULED": "waiting"}


@dataclass(frozen=True, slots=True)
class Progress:
    """A training so far; None where it does not say."""

    epoch: int = 0
    epochs: int | None = None
    loss: float | None = None
    change: float | None = None
    """Of the loss over the last `RECENT` epochs."""
    best: float | None = None
    best_epoch: int | None = None
    best_name: str = "val/loss"
    learning_rate: float | None = None
    epoch_seconds: float | None = None
    left: float | None = None
    """Seconds until the last epoch is over, None if nothing is going on."""

    @property
    def share(self) -> float:
        """What is done, 0 to 1."""
        return min(1.0, self.epoch / self.epochs) if self.epochs else 0.0


def parts_of(names: object) -> list[str]:
    """The trainings that a run's metrics tell of: "" for its own, or their names, such as "vae" and "ode".

    >>> parts_of(["train/loss", "val/loss"]), parts_of(["ode/train/loss", "vae/train/loss"]), parts_of(["seconds"])
    ([''], ['vae', 'ode'], [])
    """
    assert isinstance(names, (list, Mapping)) or hasattr(names, "__iter__")
    found = {name.removesuffix(LOSS).removesuffix("/") for name in names if name == LOSS or name.endswith("/" + LOSS)}
    return sorted(found, key=lambda part: (part != "", part != "vae", part))


def of_part(curves: Mapping[str, Curve], part: str) -> dict[str, Curve]:
    """The curves of one training, without its name before theirs."""
    before = f"{part}/" if part else ""
    return {name.removeprefix(before): curve for name, curve in curves.items() if name.startswith(before)}


def best_name(curves: Mapping[str, Curve], settings: Mapping[str, str]) -> str:
    """The metric by which a training's best epoch is told.

    The library goes by the loss of held-out pairs if they are made by projection, else by the distance W2, and in a
    VAE's training by the validation loss.
    """
    if settings.get("coupling", "projection") != "projection" and "val/wasserstein2" in curves:
        return "val/wasserstein2"
    return next((name for name in BEST_BY if len(curves.get(name, Curve()))), "val/loss")


def progress(run: RunRecord, curves: Mapping[str, Curve]) -> Progress:
    """Where a training stands. Args: curves: of the one training, with plain names."""
    loss = curves.get(LOSS, Curve())
    if not len(loss):
        return Progress(epochs=_whole(run.settings.get("epochs")))
    name = best_name(curves, run.settings)
    validation = curves.get(name, Curve())
    best = min(range(len(validation)), key=lambda place: validation.values[place]) if len(validation) else None
    rate, spent = curves.get("learning_rate", Curve()), curves.get("seconds", Curve())
    seconds = median(spent.values[-RECENT:]) if len(spent) else None
    epoch, epochs = loss.steps[-1], _whole(run.settings.get("epochs"))
    left = seconds * max(0, epochs - epoch) if run.is_running and seconds is not None and epochs else None
    return Progress(
        epoch,
        epochs,
        loss.values[-1],
        loss.values[-1] - loss.values[-1 - RECENT] if len(loss) > RECENT else None,
        None if best is None else validation.values[best],
        None if best is None else validation.steps[best],
        name,
        rate.values[-1] if len(rate) else None,
        seconds,
        left,
    )


def liveness(run: RunRecord, now: float, *, connected: bool = True, epoch_seconds: float | None = None) -> str:
    """How a run is: live, stale, finished, failed, stopped or waiting; offline if the store does not answer."""
    if not connected:
        return "offline"
    if not run.is_running:
        return STATES.get(run.status, run.status.lower())
    patience = max(STALE_SECONDS, STALE_EPOCHS * (epoch_seconds or 0.0))
    return "live" if now - run.last_told <= patience else "stale"


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None
