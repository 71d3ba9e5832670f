"""`wallpaper sync`: send what a store that did not answer has missed.

Finds the journals that runs leave beside their files, and says what became of each; `sending` reads and sends them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from wallpaper.cli.places import OUTPUT
from wallpaper.cli.progress import bar
from wallpaper.journal import find
from wallpaper.store_address import tracking_uri


@click.command("sync")
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path), metavar="[FOLDERS]...")
@click.option("--tracking-uri", "uri", help="The store to send to.  [default: MLFLOW_TRACKING_URI, or mlflow.db here]")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
def sync(folders: tuple[Path, ...], uri: str | None, dry_run: bool) -> None:
    """Send what runs could not record while their tracking server was away.

    While a store does not answer, a run goes on and keeps metric points, tags, files and how it ended in a journal
    (unsent-RUN.jsonl) beside its other files. The run sends it itself as soon as it can, and when it is resumed; what
    is left after its end, or after it was killed, is sent by this command. Nothing is recorded twice.

    Only runs of the store that is named are sent, whatever address a journal holds: it may have come from elsewhere.

    FOLDERS: where to look, with all folders below; output/ by default.

    \b
    Examples:
      wallpaper sync                     everything below output/
      wallpaper sync --dry-run           what is waiting?
      wallpaper sync output/vae/2026-11-28_120000 --tracking-uri http://mlflow.example:5000
    """
    for folder in folders:
        if not folder.exists():
            raise click.UsageError(f"{folder}: no such file or folder; check the path")
    journals = find(folders or ([OUTPUT] if OUTPUT.is_dir() else []))
    if not journals:
        click.echo("Nothing is waiting to be sent.")
        return
    from wallpaper.cli.sending import Target  # noqa: PLC0415 - loads MLflow, which takes seconds: help does not wait

    left = unreadable = 0
    target = Target(uri or tracking_uri(), dry_run)
    with bar("Looking at" if dry_run else "Sending", "runs") as move:
        for number, path in enumerate(journals, 1):
            try:
                said, done = target.take(path)
                left += not done
            except (ValueError, OSError) as error:
                said, unreadable = str(error), unreadable + 1
            move.note(said)
            move(number, len(journals))
    if left and not dry_run:
        click.echo(f"{left} of {len(journals)} journals stay; the same command tries again.", err=True)
    if unreadable or (left and not dry_run):
        sys.exit(1)
