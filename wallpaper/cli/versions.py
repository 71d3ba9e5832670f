"""`wallpaper models`, `promote` and `rollback`: thin doors to the serving application, which decides.

Options are checked here as far as no registry is needed for it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

import click

from wallpaper.cli.application import call
from wallpaper.cli.options import name_option

reason_option = click.option("--reason", default="", help="Why; recorded with the move.")
by_option = click.option(
    "--by", default="", metavar="NAME", help="Who asks for it; recorded beside the account that this runs as."
)
dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would come of it, and move nothing.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print what came of it as JSON.")


@click.command("models")
@name_option
@click.option("--json", "as_json", is_flag=True, help="Print versions and moves as JSON.")
@click.option("--history", is_flag=True, help="Print all moves of aliases: who, when, from where, to where, why.")
def models(name: str, as_json: bool, history: bool) -> None:
    """List registered versions: aliases, run, date, the figures that gates look at, digests of patterns.

    last and first: share of last and first frames that the judge gives exactly their group. collapsed: pairs whose end
    points have less than half of the target's variance. PSNR: of reconstructions, in dB. W2: distance of end points to
    held-out latents, over that of fresh samples. recognised: end latents that a classifier gives to the target's group.
    held out, dataset: digests of the patterns that the figures are of, and of those that it learned from.
    A version marked ! became champion by force.
    """
    if as_json and history:
        raise click.UsageError("`--json` holds the moves as well; give it or --history, not both")
    flags = ["--json"] * as_json + ["--history"] * history
    sys.exit(call("serving", ["-m", "serving", "models", "--name", name, *flags]))


@click.command("promote")
@click.argument("version", default="", required=False)
@name_option
@click.option("--alias", default="champion", show_default=True, help="Alias to move; only champion has gates.")
@click.option(
    "--max-seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="The longest that a warm answer of 8 frames may take.",
)
@click.option("--force", is_flag=True, help="Move although gates do not hold; needs --reason, and is recorded.")
@reason_option
@by_option
@dry_run_option
@json_option
def promote(version: str, *, force: bool, dry_run: bool, as_json: bool, max_seconds: float, **words: str) -> None:
    """Make a version @champion, if all gates hold; exit code 1 if one does not.

    VERSION is a number or an alias: by default challenger, for other aliases than champion the newest version. Gates:
    all last frames have exactly their group; no pair collapsed; no figure falls behind the champion's by more than its
    tolerance, on the same held-out patterns; the served frames equal the library's, byte by byte, in bounded time.

    \b
    Examples:
      wallpaper promote                                what @challenger names
      wallpaper promote --dry-run                      what its gates say
      wallpaper promote 3 --force --reason "..."       past gates, on record
      wallpaper promote 3 --alias challenger           another candidate
    """
    if force and dry_run:
        raise click.UsageError("`--dry-run` moves nothing, so nothing can be forced; give it or --force, not both")
    if force and not words["reason"].strip():
        raise click.UsageError("`--force` needs --reason TEXT, which is recorded with the version")
    options = [f"--max-seconds={max_seconds}", *_typed(words), *_flags(dry_run, as_json), *["--force"] * force]
    sys.exit(call("serving", ["-m", "serving", "promote", *options, "--", version]))


@click.command("rollback")
@name_option
@click.option("--to", default="", metavar="VERSION", help="Only if that is the version that it goes to.")
@reason_option
@by_option
@dry_run_option
@json_option
def rollback(*, dry_run: bool, as_json: bool, **words: str) -> None:
    """Make the version @champion again that was champion before; again, the one before that.

    No gate is asked: it has served already. With --to, two who roll back for the same cause go back once.
    """
    sys.exit(call("serving", ["-m", "serving", "rollback", *_typed(words), *_flags(dry_run, as_json)]))


def _typed(words: Mapping[str, str]) -> list[str]:
    """Options as they are typed; with "=", since a text may begin with a dash."""
    return [f"--{name}={text}" for name, text in sorted(words.items())]


def _flags(dry_run: bool, as_json: bool) -> list[str]:
    return ["--dry-run"] * dry_run + ["--json"] * as_json
