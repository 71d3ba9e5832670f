"""Promotion and rollback in words: what would happen, what the gates say, what came of it.

Sentences from plain data; moves no alias.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from dashboard.promotion import Outcome
from dashboard.store import VersionRecord

CHAMPION = "champion"

MOVE = "move."
"""Before the tags of a registered model that tell of one move of an alias each, in order."""

FORCED = "forced."
"""Before the tags of a version that say who made it champion past gates, when, why, and past which."""


def champion_of(name: str, versions: Iterable[VersionRecord]) -> str:
    """Number of a model's champion, as the store knew it last; "" for none."""
    return next((str(each.version) for each in versions if each.name == name and CHAMPION in each.aliases), "")


def champion_before(champion: VersionRecord, versions: Iterable[VersionRecord]) -> str:
    """Number of the version that a rollback would go to; "" for none.

    Told by the same moves in the model's tags, and in the same way, as the registry decides it (`serving.history`).
    """
    existing = {str(each.version) for each in versions if each.name == champion.name}
    path: list[str] = []
    for before, number, kind in _moves(champion.model_tags):
        _arrive(path, before)
        while kind == "rollback" and path and path[-1] != number:
            path.pop()
        _arrive(path, number)
    _arrive(path, str(champion.version))
    kept: list[str] = []
    for number in path:
        if number in existing:
            _arrive(kept, number)
    return kept[-2] if len(kept) > 1 else ""


def _moves(tags: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Of @champion, oldest first: the version before, the version, and the kind; what cannot be read is left out."""
    found = []
    for key in sorted(key for key in tags if key.startswith(MOVE)):
        try:
            move = json.loads(tags[key])
            if move["alias"] == CHAMPION:
                found.append((str(move["before"]), str(move["version"]), str(move["kind"])))
        except (ValueError, KeyError, TypeError):
            continue
    return found


def _arrive(path: list[str], number: str) -> None:
    if number and path[-1:] != [number]:
        path.append(number)


def if_promoted(name: str, version: str, before: str) -> str:
    """What a promotion would do.

    >>> print(if_promoted("m", "3", "2"))  # doctest: +NORMALIZE_WHITESPACE
    Version 3 becomes @champion of m. Servers of models:/m@champion that are started or restarted from then on answer
    with it; those that run keep what they loaded. Version 2 stays registered, and Roll back returns to it.
    """
    stays = f"Version {before} stays registered, and Roll back returns to it." if before else "It is the first."
    return f"Version {version} becomes @champion of {name}. {_servers(name)} {stays}"


def if_rolled_back(name: str, before: str, to: str = "") -> str:
    """What a rollback would do. Args: to: the version that it goes to; "" while that is not known."""
    goes = f"Version {to}" if to else "The version that was champion before"
    return (
        f"{goes} becomes @champion of {name} again, in place of version {before}; no gate is asked, it has served "
        f"already. {_servers(name)} Version {before} stays registered and can be promoted again."
    )


def _servers(name: str) -> str:
    return (
        f"Servers of models:/{name}@{CHAMPION} that are started or restarted from then on answer with it; "
        "those that run keep what they loaded."
    )


def gates_say(outcome: Outcome) -> str:
    """How many gates hold.

    >>> gates_say(Outcome("m", "3", "3", "3", refused=False))
    'Version 3 is @champion already.'
    """
    if not outcome.gates:
        return f"Version {outcome.version} is @{CHAMPION} already." if outcome.version == outcome.before else ""
    failing, all_of_them = len(outcome.failing), len(outcome.gates)
    if not failing:
        return f"All {all_of_them} gates hold."
    return f"{failing} of {all_of_them} gates {'does' if failing == 1 else 'do'} not hold."


def came_of(outcome: Outcome) -> str:
    """What a promotion or a rollback has done."""
    version, name = outcome.version, outcome.name
    if outcome.refused:
        stays = f"stays at version {outcome.before}" if outcome.before else "is still no version"
        return f"Not promoted: @{CHAMPION} of {name} {stays}. {gates_say(outcome)}"
    if outcome.now != version:
        return f"Recorded, but @{CHAMPION} of {name} was moved later to version {outcome.now}, where it stays."
    if outcome.before == version:
        return f"Version {version} of {name} was @{CHAMPION} already; nothing has changed."
    past = f" by force, past {len(outcome.failing)} of {len(outcome.gates)} gates" if outcome.failing else ""
    was = f"; before it was version {outcome.before}" if outcome.before else ""
    return f"Version {version} is @{CHAMPION} of {name}{past}{was}."


def by_force(version: VersionRecord) -> str:
    """Who made a version champion although gates did not hold, when, why, and past which; "" if nobody did."""
    tags = {key.removeprefix(FORCED): text for key, text in version.tags.items() if key.startswith(FORCED)}
    if not tags:
        return ""
    said = {key: tags.get(key, "?") for key in ("by", "at", "reason", "gates")}
    return f"Made champion by force by {said['by']}, {said['at']}: {said['reason']}. Past: {said['gates']}."
