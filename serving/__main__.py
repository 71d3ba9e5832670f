"""`python -m serving promote | rollback | models`: what `wallpaper` of the same names starts.

Exit code 0 done, 1 refused by gates or by the store, 2 a usage error, 130 stopped.
"""

from __future__ import annotations

import argparse
import json
import sys

from mlflow.exceptions import MlflowException

from serving.gates import MOST_SECONDS
from serving.promotion import Outcome, promote, rollback
from serving.report import moves_text, outcome_data, outcome_text, versions_data, versions_text
from serving.versions import CHAMPION, NAME, Registry
from wallpaper import tracking


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    given = _parser().parse_args(arguments)
    try:
        registry = Registry(tracking.initialise(), given.name)
        return int(given.command(registry, given))
    except ValueError as error:
        return _fail(str(error), 2)
    except (tracking.TrackingError, MlflowException, OSError) as error:
        return _fail(str(error).splitlines()[0], 1)
    except KeyboardInterrupt:
        print("Stopped; no alias has moved.", file=sys.stderr)  # noqa: T201
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m serving", description="Versions, gates and promotion.")
    commands = parser.add_subparsers(required=True)
    promotion = commands.add_parser("promote", help="point an alias at a version; @champion only through the gates")
    promotion.add_argument("version", nargs="?", default="", help="number or alias (default: @challenger)")
    promotion.add_argument("--alias", default=CHAMPION)
    promotion.add_argument("--max-seconds", type=float, default=MOST_SECONDS)
    promotion.add_argument("--force", action="store_true")
    promotion.set_defaults(command=_promote)
    back = commands.add_parser("rollback", help="point @champion at the version that was champion before")
    back.add_argument("--to", default="")
    back.set_defaults(command=_rollback)
    listing = commands.add_parser("models", help="list versions")
    listing.add_argument("--history", action="store_true")
    listing.set_defaults(command=_models)
    for each in (promotion, back):
        each.add_argument("--reason", default="")
        each.add_argument("--by", default="")
        each.add_argument("--dry-run", action="store_true")
    for each in (promotion, back, listing):
        each.add_argument("--name", default=NAME)
        each.add_argument("--json", action="store_true")
    return parser


def _promote(registry: Registry, given: argparse.Namespace) -> int:
    outcome = promote(
        registry,
        given.version,
        alias=given.alias,
        force=given.force,
        reason=given.reason,
        by=given.by,
        most_seconds=given.max_seconds,
        dry_run=given.dry_run,
    )
    return _tell(outcome, registry, given)


def _rollback(registry: Registry, given: argparse.Namespace) -> int:
    outcome = rollback(registry, reason=given.reason, by=given.by, to=given.to, dry_run=given.dry_run)
    return _tell(outcome, registry, given)


def _tell(outcome: Outcome, registry: Registry, given: argparse.Namespace) -> int:
    data = {"name": registry.name, **outcome_data(outcome)}
    print(json.dumps(data, indent=2) if given.json else outcome_text(outcome, registry.name))  # noqa: T201
    return int(outcome.refused)


def _models(registry: Registry, given: argparse.Namespace) -> int:
    versions, moves = registry.versions(), registry.moves()
    if given.json:
        text = json.dumps({"name": registry.name, **versions_data(versions, moves)}, indent=2)
    else:
        text = moves_text(moves) if given.history else versions_text(versions)
    print(text)  # noqa: T201
    return 0


def _fail(message: str, code: int) -> int:
    print(f"Error: {message}", file=sys.stderr)  # noqa: T201
    return code


if __name__ == "__main__":
    sys.exit(main())
