"""The gates before @champion: from figures and a trial to verdicts, each with its value, its bound and what to do.

Pure; bounds and tolerances stand here as data. Knows no registry and no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MOST_SECONDS = 10.0
"""For the trial's answer from a loaded model: generous, since it is to refuse what hangs and not what is busy."""

LAST_FRAMES, COLLAPSED = "judged_last_frames", "collapsed_pairs"


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure that must not fall behind the champion's by more than a tolerance."""

    figure: str
    title: str
    form: str
    tolerance: float
    lower_is_better: bool = False
    relative: bool = False
    """The tolerance is a share of the champion's figure."""

    def bound(self, champion: float) -> float:
        """The worst value that passes."""
        allowed = self.tolerance * abs(champion) if self.relative else self.tolerance
        return champion + allowed if self.lower_is_better else champion - allowed

    def holds(self, value: float, champion: float) -> bool:
        """Whether `value` is no worse than the bound; NaN never is."""
        return value <= self.bound(champion) if self.lower_is_better else value >= self.bound(champion)


COMPARED = (
    Compared("psnr_test", "PSNR, test (dB)", ".2f", 0.2),
    Compared("wasserstein2_over_floor", "W2 over fresh samples'", ".3f", 0.02, lower_is_better=True, relative=True),
    Compared("withheld_classified", "end latents recognised", ".1%", 0.02),
    Compared("judged_first_frames", "first frames judged right", ".1%", 0.0),
)
"""Two trainings that differ in their seed alone differ by less than these tolerances, as a rule."""

FIGURES = (LAST_FRAMES, COLLAPSED, *(each.figure for each in COMPARED))
"""All figures that gates look at, named as in an evaluation without their "eval/"."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What an evaluation found, as far as gates look at it."""

    values: Mapping[str, float] = field(default_factory=dict)
    """By name; empty if there was no evaluation."""
    data: str = ""
    """Digest of the pattern file whose test part was held out."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What a version did when it was loaded and asked as a server would load and ask it."""

    frames: int
    """Asked for."""
    different: int
    """Of these, not equal to the library's to the last byte."""
    seconds: float
    """For one answer from the loaded model."""
    problem: str = ""
    """Why there was no answer; then all frames count as different."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One gate: what was found, what is allowed, and whether it holds."""

    gate: str
    value: str
    bound: str
    holds: bool
    remedy: str = ""
    """What to do if it does not."""


def judge(figures: Figures, champion: Figures | None, trial: Trial, *, most_seconds: float) -> tuple[Verdict, ...]:
    """All gates in order. Args: champion: the present one's figures; None if there is no champion."""
    return (*_on_figures(figures), *_against(figures, champion), *_on_trial(trial, most_seconds))


def _on_figures(figures: Figures) -> tuple[Verdict, ...]:
    last, collapsed = figures.values.get(LAST_FRAMES), figures.values.get(COLLAPSED)
    evaluate = "register the model again with --data FILE, which evaluates it"
    return (
        Verdict(
            "last frames judged their group",
            _shown(last, ".1%"),
            "100%",
            last is not None and last >= 1,
            evaluate if last is None else "`wallpaper evaluate` counts which frames fail; train on, or another model",
        ),
        Verdict(
            "collapsed pairs",
            _shown(collapsed, ".0f"),
            "0",
            collapsed is not None and collapsed <= 0,
            evaluate if collapsed is None else "its field sends a group to one point; train with --coupling ot",
        ),
    )


def _against(figures: Figures, champion: Figures | None) -> tuple[Verdict, ...]:
    """Nothing to compare where there is no champion, or it was never evaluated."""
    if champion is None or not champion.values:
        return ()
    same = figures.data == champion.data
    held_out = Verdict(
        "held-out patterns",
        figures.data or "none",
        f"{champion.data}, the champion's",
        same,
        "figures on different patterns cannot be compared; register this model with --data of the champion's file",
    )
    if not same:
        return (held_out,)
    return (held_out, *(_comparison(each, figures, champion) for each in COMPARED))


def _comparison(each: Compared, figures: Figures, champion: Figures) -> Verdict:
    value, before = figures.values.get(each.figure), champion.values.get(each.figure)
    if before is None:
        return Verdict(each.title, _shown(value, each.form), "the champion has none", True)
    sign = "<=" if each.lower_is_better else ">="
    bound = f"{sign} {each.bound(before):{each.form}} (champion {before:{each.form}})"
    holds = value is not None and each.holds(value, before)
    return Verdict(each.title, _shown(value, each.form), bound, holds, "it is worse than what is served now")


def _on_trial(trial: Trial, most_seconds: float) -> tuple[Verdict, ...]:
    equal = trial.frames - trial.different
    problem = f"no answer: {trial.problem}" if trial.problem else ""
    return (
        Verdict(
            "served frames equal the library's",
            problem or f"{equal} of {trial.frames}",
            f"{trial.frames} of {trial.frames}",
            not trial.different and not trial.problem,
            "the code kept with the version computes something else than this checkout's; register the model again",
        ),
        Verdict(
            "seconds for one answer",
            "none" if trial.problem else f"{trial.seconds:.2f}",
            f"<= {most_seconds:g}",
            not trial.problem and trial.seconds <= most_seconds,
            "try again when the machine is idle, or allow more with --max-seconds",
        ),
    )


def _shown(value: float | None, form: str) -> str:
    return "not evaluated" if value is None else format(value, form)
