"""Registered models: their versions, which alias each has, and their figures side by side.

Rows of plain data; knows no gate and moves no alias.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dashboard.store import RunRecord, VersionRecord
from dashboard.views.trials import number_of
from wallpaper.evaluation.transport import COLLAPSED

EVALUATION, TAG = "eval/", "eval."
"""What its metrics in a run begin with, and its tags at a version."""

UP, DOWN, ONE = "up", "down", "one"

FIGURES: tuple[tuple[str, str, str], ...] = (
    ("targets_met", "targets met", UP),
    ("psnr_test", "PSNR, test (dB)", UP),
    ("ssim_test", "SSIM, test", UP),
    ("wasserstein2_over_floor", "W2 over its floor", ONE),
    ("variance_ratio", "variance ratio", ONE),
    ("collapsed_pairs", "collapsed pairs", DOWN),
    ("judged_last_frames", "last frames judged right", UP),
    ("residual_last_frames", "residual of last frames", DOWN),
    ("withheld_classified", "ends classified as the target", UP),
    ("curvature", "curvature", DOWN),
    ("path_length", "path length", DOWN),
    ("nfe", "evaluations of the field", DOWN),
)
"""Of an evaluation: metric, title, and what is better: more, less, or nearer to 1."""

PATHS = frozenset({"curvature", "path_length", "nfe"})
"""Figures that a collapsed field has the best of, since short straight paths are all that it can do."""

RULE = (
    "figures that each version was registered with, the best marked; curvature, path length and evaluations only where "
    f"no pair is collapsed, which it is where its ends vary less than {COLLAPSED:g} times as much as the target's own"
)


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of several versions."""

    title: str
    values: tuple[float | None, ...]
    best: int | None
    """Place of the best value, None if it is not only one's."""


def figures_of(version: VersionRecord, run: RunRecord | None) -> dict[str, float]:
    """The evaluation of a version without the prefix: as its tags have it, and what else its run recorded."""
    latest = run.latest if run else {}
    found = {name.removeprefix(EVALUATION): p.value for name, p in latest.items() if name.startswith(EVALUATION)}
    tags = {name.removeprefix(TAG): number_of(value) for name, value in version.tags.items() if name.startswith(TAG)}
    return found | {name: value for name, value in tags.items() if value is not None}


def compare(figures: Sequence[Mapping[str, float]]) -> list[Compared]:
    """The figures that at least one version has, in the order of `FIGURES`. Args: of each version."""
    rows = []
    for name, title, better in FIGURES:
        values = tuple(each.get(name) for each in figures)
        if any(value is not None for value in values):
            counted = [None if name in PATHS and is_collapsed(each) else each.get(name) for each in figures]
            rows.append(Compared(title, values, _best(counted, better)))
    return rows


def is_collapsed(figures: Mapping[str, float]) -> bool:
    """Whether a version's field is: the gates before @champion let no collapsed pair pass either."""
    return figures.get("collapsed_pairs", 0.0) > 0


def _best(values: Sequence[float | None], better: str) -> int | None:
    """Place of the best value, if there are several and only one is best."""
    costs: dict[str, Callable[[float], float]] = {UP: lambda v: -v, DOWN: lambda v: v, ONE: lambda v: abs(v - 1)}
    known = {place: costs[better](value) for place, value in enumerate(values) if value is not None}
    if len(known) < 2:
        return None
    least = min(known.values())
    places = [place for place, cost in known.items() if cost == least]
    return places[0] if len(places) == 1 else None
