"""What many trials on many GPUs ask of the one server, the one driver and the dataset: a closed calculation.

Everything is in the steady state: all GPUs busy, none waiting. `Plan` is assumed, `Ceilings` is measured.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.measuring import Row

LEAST, FACTOR = 1 / 8, 3
"""ASHA as `tune/search.py` has it: grace an eighth of the epochs, the best third goes on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A search. All of it is assumed."""

    gpus: int = 64
    trials: int = 10_000
    epochs: int = 30
    """Of a whole training."""
    epoch_seconds: float = 20.0
    requests: int = 15
    """To the tracking server, of a trial beside its epochs: begin, tags, settings, files, end."""
    patterns: int = 8_500
    """Read in an epoch."""
    side: int = 64
    gpus_a_node: int = 8

    @property
    def epochs_a_trial(self) -> float:
        """Mean under ASHA: all run an eighth, a third of them to 3/8, a ninth to the end."""
        shares, alive, reached, mean = LEAST, 1.0, 0.0, 0.0
        while reached < 1:
            mean, reached, alive = mean + alive * (min(shares, 1) - reached), min(shares, 1), alive / FACTOR
            shares *= FACTOR
        return mean * self.epochs

    @property
    def trials_a_second(self) -> float:
        """That begin, and end."""
        return self.gpus / (self.epochs_a_trial * self.epoch_seconds)

    @property
    def hours(self) -> float:
        """The whole search."""
        return self.trials / self.trials_a_second / 3600

    @property
    def requests_a_second(self) -> float:
        """To the tracking server."""
        return self.gpus / self.epoch_seconds + self.requests * self.trials_a_second

    @property
    def bytes_a_second(self) -> float:
        """That one node's processes read of the dataset."""
        return self.gpus_a_node * self.patterns * self.side**2 * 3 / self.epoch_seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Ceilings:
    """What was measured."""

    sqlite: float
    """Requests a second, four clients."""
    postgresql: float
    read: float
    """Bytes a second that one process reads."""
    trial: float
    """Seconds of the driver for a trial, without its proposal."""
    proposal: float
    """Seconds of the driver for a proposal after all the trials."""


def demands(plan: Plan, most: Ceilings) -> list[Row]:
    """Demand, ceiling and the share of it that is used, most used first."""
    reading = plan.gpus_a_node * most.read
    rows = [
        _row("tracking server, SQLite, requests/s", plan.requests_a_second, most.sqlite),
        _row("tracking server, PostgreSQL, requests/s", plan.requests_a_second, most.postgresql),
        _row("driver, trials/s, the last ones", plan.trials_a_second, 1 / (most.trial + most.proposal)),
        _row("driver, trials/s, proposals at random", plan.trials_a_second, 1 / most.trial),
        _row(f"dataset, MB/s of a node with {plan.gpus_a_node} GPUs", plan.bytes_a_second / 1e6, reading / 1e6),
        _row("registry, versions/s", 1 / (plan.hours * 3600), most.sqlite),
    ]
    return sorted(rows, key=lambda row: -float(row["used"]))


def _row(what: str, asked: float, most: float) -> Row:
    return {"what": what, "asked": asked, "ceiling": most, "used": asked / most}


def plans() -> dict[str, Plan]:
    """The search, and the same with one thing changed."""
    return {
        "as assumed": Plan(),
        "epochs of 2 s": Plan(epoch_seconds=2.0),
        "256 GPUs": Plan(gpus=256),
        "patterns of 256 samples a side": Plan(side=256),
    }
