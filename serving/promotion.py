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
    dry_run: bool = False
    """Nothing was to be moved: this is what would come of it."""

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
    by: str = "",
    most_seconds: float = MOST_SECONDS,
    dry_run: bool = False,
) -> Outcome:
    """Point `alias` at a version; @champion only if every gate holds, or by force.

    Args:
        which: a number or an alias; by default @challenger where @champion moves, else the newest version.
        force: move although gates do not hold; who, when, why and past which gates is recorded with the version.
        reason: recorded with the move.
        by: who asked for it, recorded too.
        most_seconds: that the trial's answer may take.
        dry_run: ask the gates, and move nothing.
    Raises:
        Unknown: no such model, version or alias. ValueError: `force` without a reason, or in a dry run.
    """
    if force and dry_run:
        raise ValueError("`--dry-run` moves nothing, so nothing can be forced; give it or `--force`, not both")
    if force and not reason.strip():
        raise ValueError("`--force` needs `--reason TEXT`, which is recorded with the version, but got none")
    version = _candidate(registry, which, alias)
    if alias in version.aliases:
        return Outcome(version.number, alias, version.number, version.number, dry_run=dry_run)
    if alias != CHAMPION:
        with registry.turn():
            before = registry.holder(alias)
            now = before if dry_run else registry.move(alias, version.number, "set", reason=reason, by=by)
            return Outcome(version.number, alias, before, now, dry_run=dry_run)
    trial = try_version(f"models:/{registry.name}/{version.number}")
    with registry.turn():  # the champion to compare with is the one there is now
        before = registry.holder(alias)
        champion = registry.version(before).figures if before else None
        verdicts = judge(version.figures, champion, trial, most_seconds=most_seconds)
        failing = [each.gate for each in verdicts if not each.holds]
        if dry_run or (failing and not force):
            return Outcome(version.number, alias, before, before, verdicts, dry_run)
        now = registry.move(alias, version.number, "promote", reason=reason, by=by, forced=failing)
        return Outcome(version.number, alias, before, now, verdicts)


def rollback(registry: Registry, *, reason: str = "", by: str = "", to: str = "", dry_run: bool = False) -> Outcome:
    """Point @champion at the version that was champion before; again goes one further back. No gate is asked.

    Args:
        reason, by: recorded with the move.
        to: the version that is expected; two who roll back for the same cause go back once.
        dry_run: move nothing.
    Raises: Unknown: no such model, or no champion before. ValueError: it would go to another version than `to`.
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
        if to and to != path[-2]:
            raise ValueError(
                f"`--to {to}` must be what a rollback goes to, but from version {before} it goes to version "
                f"{path[-2]}: @{CHAMPION} has been moved meanwhile; look at `wallpaper models --history`"
            )
        now = before if dry_run else registry.move(CHAMPION, path[-2], "rollback", reason=reason, by=by)
        return Outcome(path[-2], CHAMPION, before, now, dry_run=dry_run)


def _candidate(registry: Registry, which: str, alias: str) -> Version:
    """The version that is meant."""
    if not which and alias != CHAMPION:
        return registry.versions()[0]
    return registry.version(which or CHALLENGER)
