"""What the commands of the registry print: versions, moves and verdicts as tables of text, or as plain data.

Text only; it reads no registry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from serving.gates import COLLAPSED, COMPARED, LAST_FRAMES, Verdict
from serving.history import Move
from serving.promotion import Outcome
from serving.versions import CHAMPION, NAME, Version

COLUMNS = {LAST_FRAMES: ("last", ".1%"), COLLAPSED: ("collapsed", ".0f")} | {
    each.figure: (title, each.form) for each, title in zip(COMPARED, ("PSNR", "W2", "recognised", "first"), strict=True)
}
"""Of the table of versions: each figure's heading and form."""

UNKNOWN = "-"
LONGEST_RUN, DIGEST = 24, 8
"""Characters of a run's name and of a digest in the table."""


def versions_text(versions: Sequence[Version]) -> str:
    """One line a version."""
    head = ["version", "aliases", "run", "registered", *(title for title, _ in COLUMNS.values()), "held out", "dataset"]
    rows = [
        [
            each.number + ("!" if each.forced else ""),
            ", ".join(each.aliases) or UNKNOWN,
            each.run[:LONGEST_RUN],
            each.registered[:16].replace("T", " "),
            *(
                format(each.figures.values[figure], form) if figure in each.figures.values else UNKNOWN
                for figure, (_, form) in COLUMNS.items()
            ),
            each.figures.data[:DIGEST] or UNKNOWN,
            each.dataset[:DIGEST] or UNKNOWN,
        ]
        for each in versions
    ]
    forced = [
        f"! version {each.number} was made {CHAMPION} by force: {each.forced.get('by')}, {each.forced.get('at')}, "
        f"{each.forced.get('reason')!r}, past: {each.forced.get('gates')}"
        for each in versions
        if each.forced
    ]
    return "\n".join([aligned([head, *rows]), *forced])


def moves_text(moves: Sequence[Move]) -> str:
    """One line a move, oldest first."""
    head = ["when", "who", "what", "alias", "from", "to", "why"]
    rows = [
        [
            each.at,
            each.by,
            each.kind + ("!" if each.forced else ""),
            each.alias,
            each.before or UNKNOWN,
            each.version,
            "; ".join([*filter(None, [each.reason]), *([f"past: {', '.join(each.forced)}"] if each.forced else [])]),
        ]
        for each in moves
    ]
    return aligned([head, *rows])


def versions_data(versions: Sequence[Version], moves: Sequence[Move]) -> dict[str, Any]:
    """Everything as plain data."""
    return {
        "versions": [
            {
                "version": each.number,
                "aliases": list(each.aliases),
                "run_id": each.run_id,
                "run": each.run,
                "registered": each.registered,
                "figures": dict(each.figures.values),
                "held_out": each.figures.data or None,
                "dataset": each.dataset or None,
                "weights": each.weights or None,
                "forced": dict(each.forced) or None,
            }
            for each in versions
        ],
        "moves": [
            {
                **{name: getattr(each, name) for name in ("at", "by", "kind", "alias", "version", "reason")},
                "before": each.before or None,
                "forced": list(each.forced),
            }
            for each in moves
        ],
    }


def verdicts_text(verdicts: Sequence[Verdict]) -> str:
    """One line a gate."""
    rows = [[each.gate, each.value, each.bound, "holds" if each.holds else "DOES NOT HOLD"] for each in verdicts]
    return aligned([["gate", "value", "bound", "verdict"], *rows])


def outcome_data(outcome: Outcome) -> dict[str, Any]:
    """What a promotion or a rollback came to, as plain data."""
    return {
        "alias": outcome.alias,
        "version": outcome.version,
        "before": outcome.before or None,
        "now": outcome.now or None,
        "dry_run": outcome.dry_run,
        "refused": outcome.refused,
        "gates": [asdict(each) for each in outcome.verdicts],
    }


def outcome_text(outcome: Outcome, name: str) -> str:
    """What a promotion came to, and what to type next."""
    option = "" if name == NAME else f" --name {name}"
    lines = [verdicts_text(outcome.verdicts), ""] if outcome.verdicts else []
    if outcome.refused:
        stays = f"stays at version {outcome.before}" if outcome.before else "is still nobody"
        refused = "Would be refused" if outcome.dry_run else "Refused"
        lines.append(f"{refused}: version {outcome.version} is not @{outcome.alias}, which {stays}. What to do:")
        lines += [f"  {each.gate}: {each.remedy}" for each in outcome.failing]
        lines.append(
            f'  or, on record: wallpaper promote {outcome.version}{option} --force --reason "why it may serve"'
        )
    elif outcome.before == outcome.now == outcome.version:
        lines.append(f"{name} version {outcome.version} is @{outcome.alias} already; nothing has changed.")
    elif outcome.dry_run:
        was = f"; now it is version {outcome.before}" if outcome.before else ""
        lines.append(f"{name} version {outcome.version} would be @{outcome.alias}{was}. Nothing has changed.")
    elif outcome.now != outcome.version:
        lines.append(f"Recorded, but @{outcome.alias} was moved later to version {outcome.now}, where it stays.")
    else:
        past = f" by force, past {len(outcome.failing)} of {len(outcome.verdicts)} gates" if outcome.failing else ""
        was = f"; before it was version {outcome.before}" if outcome.before else ""
        lines.append(f"{name} version {outcome.version} is @{outcome.alias}{past}{was}.")
        if outcome.alias == CHAMPION and outcome.before:
            again = "rollback" if outcome.verdicts else f"promote {outcome.before}"  # a rollback asks no gates
            lines.append(f"Back with: wallpaper {again}{option}")
    return "\n".join(lines)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell, two spaces apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
