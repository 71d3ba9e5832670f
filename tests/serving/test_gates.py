"""Gates: figures and a trial in, verdicts out; each is passed, missed by a hair, and missed for want of a figure."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest

from serving.gates import COMPARED, FIGURES, Compared, Figures, Trial, judge

GOOD = {
    "judged_last_frames": 1.0,
    "collapsed_pairs": 0.0,
    "psnr_test": 25.0,
    "wasserstein2_over_floor": 1.0,
    "withheld_classified": 0.4,
    "judged_first_frames": 1.0,
}
SOUND = Trial(frames=8, different=0, seconds=0.5)


def failing(
    values: Mapping[str, float], champion: Mapping[str, float] | None = GOOD, *, trial: Trial = SOUND, data: str = "d"
) -> set[str]:
    """Gates that do not hold."""
    before = None if champion is None else Figures(champion, "d" if champion else "")
    return {each.gate for each in judge(Figures(values, data), before, trial, most_seconds=1.0) if not each.holds}


def test_the_champion_itself_passes_all_gates() -> None:
    assert set(GOOD) == set(FIGURES)
    verdicts = judge(Figures(GOOD, "d"), Figures(GOOD, "d"), SOUND, most_seconds=1.0)
    assert len(verdicts) == 2 + 1 + len(COMPARED) + 2
    assert all(each.holds and each.remedy for each in verdicts)


@pytest.mark.parametrize(
    ("figure", "passes", "fails", "gate"),
    [
        ("judged_last_frames", 1.0, 271 / 272, "last frames judged their group"),
        ("collapsed_pairs", 0.0, 1.0, "collapsed pairs"),
        ("psnr_test", 24.81, 24.79, "PSNR, test (dB)"),
        ("wasserstein2_over_floor", 1.0199, 1.0201, "W2 over fresh samples'"),
        ("withheld_classified", 0.381, 0.379, "end latents recognised"),
        ("judged_first_frames", 1.0, 271 / 272, "first frames judged right"),
    ],
)
def test_each_figure_has_a_gate_at_its_bound(figure: str, passes: float, fails: float, gate: str) -> None:
    assert failing({**GOOD, figure: passes}) == set()
    assert failing({**GOOD, figure: fails}) == {gate}
    assert failing({**GOOD, figure: math.nan}) == {gate}
    assert failing({name: value for name, value in GOOD.items() if name != figure}) == {gate}


def test_without_a_champion_nothing_is_compared() -> None:
    poor = {**GOOD, "psnr_test": 3.0}
    assert failing(poor, None) == set()
    assert failing(poor, {}) == set(), "a champion without an evaluation is none to compare with"
    assert failing(poor) == {"PSNR, test (dB)"}


def test_figures_on_other_patterns_are_not_compared() -> None:
    assert failing({**GOOD, "psnr_test": 99.0}, data="other") == {"held-out patterns"}


def test_a_version_without_an_evaluation_is_told_how_to_get_one() -> None:
    last, collapsed, *_ = judge(Figures(), None, SOUND, most_seconds=1.0)
    assert (last.value, last.holds, collapsed.holds) == ("not evaluated", False, False)
    assert "--data FILE" in last.remedy


@pytest.mark.parametrize(
    ("trial", "gates"),
    [
        (Trial(8, 1, 0.5), {"served frames equal the library's"}),
        (Trial(8, 0, 1.01), {"seconds for one answer"}),
        (Trial(8, 8, 0.0, "no weights"), {"served frames equal the library's", "seconds for one answer"}),
    ],
)
def test_a_trial_that_went_wrong_holds_a_version_back(trial: Trial, gates: set[str]) -> None:
    assert failing(GOOD, trial=trial) == gates


def test_a_relative_tolerance_is_a_share_of_the_champion_s_figure() -> None:
    lower = Compared("x", "x", ".2f", 0.5, lower_is_better=True, relative=True)
    assert (lower.bound(4.0), lower.holds(6.0, 4.0), lower.holds(6.1, 4.0)) == (6.0, True, False)
