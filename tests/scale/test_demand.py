"""What many trials ask for: the closed calculation against sums that are made by hand, and by playing ASHA."""

from __future__ import annotations

import pytest

from benchmarks.scale_demand import Ceilings, Plan, demands

MOST = Ceilings(sqlite=10.0, postgresql=40.0, read=1e8, trial=0.1, proposal=0.9)


def test_trials_under_asha_take_the_epochs_of_trials_that_are_stopped_one_by_one() -> None:
    epochs = trials = 72  # an eighth and 3/8 of 72 are whole; so are a third and a ninth of it
    spent = trials * epochs / 8 + trials / 3 * (3 - 1) * epochs / 8 + trials / 9 * (8 - 3) * epochs / 8
    assert Plan(epochs=epochs).epochs_a_trial == pytest.approx(spent / trials)


def test_what_is_asked_of_each_part_of_a_plan() -> None:
    plan = Plan(gpus=10, trials=360, epochs=36, epoch_seconds=2.0, requests=4, patterns=100, side=10, gpus_a_node=5)
    rows = {str(row["what"]): row for row in demands(plan, MOST)}
    assert plan.epochs_a_trial == pytest.approx(10)
    assert plan.hours == pytest.approx(0.2)  # 360 trials of 20 s on 10 GPUs
    server = rows["tracking server, SQLite, requests/s"]
    assert server["asked"] == pytest.approx(5 + 0.5 * 4)  # an epoch each 2 s of 10 GPUs; a trial each 2 s
    assert server["used"] == pytest.approx(0.7)
    assert rows["driver, trials/s, the last ones"]["ceiling"] == pytest.approx(1)
    assert rows["dataset, MB/s of a node with 5 GPUs"]["asked"] == pytest.approx(5 * 100 * 300 / 2 / 1e6)


def test_what_breaks_first_stands_first() -> None:
    used = [float(row["used"]) for row in demands(Plan(), MOST)]
    assert used == sorted(used, reverse=True)
