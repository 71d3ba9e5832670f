"""Pages that look at the same training share its figures; others do not."""

from __future__ import annotations

from dashboard.pages.loss import MOST_SHARED, Shared
from dashboard.store import Curve
from dashboard.theme import DARK, LIGHT
from dashboard.views.loss import Choice, Training


def training(last: float = 1.0, name: str = "a") -> Training:
    return Training(name, {"train/loss": Curve([1, 2], [2.0, last], [0.0, 1.0])}, 0.0)


def test_the_same_curves_are_drawn_once_and_others_anew() -> None:
    shared, one = Shared(), training()
    first = shared.figures([one], Choice(), DARK)
    again = shared.figures([Training("a", dict(one.curves), 0.0)], Choice(), DARK)
    assert again[0] is first[0]
    assert again[1] is first[1]
    for others in (
        shared.figures([training(5.0)], Choice(), DARK),
        shared.figures([one], Choice(log=False), DARK),
        shared.figures([one], Choice(), LIGHT),
        shared.figures([Training("b", one.curves, 0.0)], Choice(), DARK),
    ):
        assert others[0] != first[0]


def test_few_are_kept() -> None:
    shared, one = Shared(), training()
    first = shared.figures([one], Choice(), DARK)
    for number in range(MOST_SHARED):
        shared.figures([training(name=f"{number}")], Choice(), DARK)
    assert shared.figures([one], Choice(), DARK)[0] is not first[0]


def test_of_a_run_that_goes_on_only_the_last_is_kept() -> None:
    shared, other = Shared(), training(name="b")
    kept = shared.figures([other], Choice(), DARK)
    for epoch in range(2 * MOST_SHARED):
        shared.figures([training(float(epoch))], Choice(), DARK)
    assert shared.figures([other], Choice(), DARK)[0] is kept[0]
