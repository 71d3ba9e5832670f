"""Promotes a version to an alias and rolls @champion back: the decisions, over a registry that carries them out.

Only @champion has gates; other aliases, @challenger among them, name what somebody wants to look at.
"""

from __future__ import annotations

from dataclasses import dataclass

from serving.gates import MOST_SECONDS, Verdict, judge
from serving.history import way_back
from serving.trial import try_version
from serving.versions import CHALLENGER, CHAMPION, Registry, Unknown, Version


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a promotion or a rollback."""

    version: str
    """The one that was to have the alias."""
    alias: str
    before: str
    """The version that had it; "" for none."""
    now: str
    """The version that has it; "" for none."""
    verdicts: tuple[Verdict, ...] = ()
    """Of all gates; none were asked for an alias without gates, or a version that has the alias already."""

    @property
    def failing(self) -> tuple[Verdict, ...]:
        """Gates that do not hold."""
        return tuple(each for each in self.verdicts if not each.holds)

    @property
    def refused(self) -> bool:
        """Whether gates held the version back."""
        return bool(self.failing) and self.now == self.before


def promote(
    registry: Registry,
    which: str = "",
    *,
    alias: str = CHAMPION,
    force: bool = False,
    reason: str = "",
    most_seconds: float = MOST_SECONDS,
) -> Outcome:
    """Point `alias` at a version; @champion only if every gate holds, or by force.

    Args:
        which: a number or an alias; by default @challenger where @champion moves, else the newest version.
        force: move although gates do not hold; who, when, why and past which gates is recorded with the version.
        reason: recorded with the move.
        most_seconds: that the trial's answer may take.
    Raises:
        Unknown: no such model, version or alias. ValueError: `force` without a reason.
    """
    if force and not reason.strip():
        raise ValueError("`--force` needs `--reason TEXT`, which is recorded with the version, but got none")
    version = _candidate(registry, which, alias)
    if alias in version.aliases:
        return Outcome(version.number, alias, version.number, version.number)
    if alias != CHAMPION:
        with registry.turn():
            before = registry.holder(alias)
            return Outcome(version.number, alias, before, registry.move(alias, version.number, "set", reason=reason))
    trial = try_version(f"models:/{registry.name}/{version.number}")
    with registry.turn():  # the champion to compare with is the one there is now
        before = registry.holder(alias)
        champion = registry.version(before).figures if before else None
        verdicts = judge(version.figures, champion, trial, most_seconds=most_seconds)
        failing = [each.gate for each in verdicts if not each.holds]
        if failing and not force:
            return Outcome(version.number, alias, before, before, verdicts)
        now = registry.move(alias, version.number, "promote", reason=reason, forced=failing)
        return Outcome(version.number, alias, before, now, verdicts)


def rollback(registry: Registry, *, reason: str = "") -> Outcome:
    """Point @champion at the version that was champion before; again goes one further back. No gate is asked.

    Raises: Unknown: no such model, or no champion before.
    """
    with registry.turn():
        before = registry.holder(CHAMPION)
        existing = {each.number for each in registry.versions()}
        path = way_back(registry.moves(CHAMPION), before, existing)
        if len(path) < 2:
            raise Unknown(
                f"`@{CHAMPION}` of {registry.name} must have been moved to roll back, but "
                + (f"version {before} is the first" if before else "there is none")
                + "; `wallpaper models --history` shows all moves"
            )
        now = registry.move(CHAMPION, path[-2], "rollback", reason=reason)
        return Outcome(path[-2], CHAMPION, before, now)


def _candidate(registry: Registry, which: str, alias: str) -> Version:
    """The version that is meant."""
    if not which and alias != CHAMPION:
        return registry.versions()[0]
    return registry.version(which or CHALLENGER)
