"""`wallpaper sync`: send what a store that did not answer has missed.

Reads the journals that runs leave beside their files; what is sent twice is recorded once.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import click

from wallpaper import provenance
from wallpaper.cli.progress import bar
from wallpaper.delivery import WITHOUT_A_WORD, Delivery
from wallpaper.journal import Entry, Head, Journal, find, read
from wallpaper.mlflow_plugin import Store, TrackingError, open_store
from wallpaper.store_address import tracking_uri, without_passwords

OUTPUT = Path("output")


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
    left = 0
    target = Target(uri or tracking_uri(), dry_run)
    with bar("Sending", "runs") as move:
        for number, path in enumerate(journals, 1):
            said, done = target.take(path)
            left += not done
            move.note(said)
            move(number, len(journals))
    if left and not dry_run:
        click.echo(f"{left} of {len(journals)} journals stay; the same command tries again.", err=True)
        sys.exit(1)


class Target:
    """The store that is sent to, opened when the first journal for it is found."""

    def __init__(self, uri: str, dry_run: bool) -> None:
        self._uri, self._dry_run = uri, dry_run
        self._store: Store | TrackingError | None = None

    def take(self, path: Path) -> tuple[str, bool]:
        """What became of a journal, in a sentence, and whether it is done with."""
        try:
            head, entries = read(path)
        except (ValueError, OSError) as error:
            return str(error), False
        what = f"run {head.run}: {_counted(entries)}"
        if head.host == provenance.host() and provenance.is_alive(head.process):
            return f"{what} wait; its process still runs, and sends them itself", True
        if head.uri != without_passwords(self._uri):
            return f"{what} wait for another store; if it is yours: --tracking-uri {head.uri}", False
        if self._dry_run:
            return f"{what} wait for {head.uri}", False
        store = self._opened()
        if isinstance(store, TrackingError):
            return f"{what} not sent: {store}", False
        delivery = Delivery(store, head.run, Journal(path.parent, head))
        delivery.take_up(_with_end(head, entries))
        done = delivery.send(at_once=True)
        return f"{what} {'sent' if done else 'not sent'} to {store.shown}", done

    def _opened(self) -> Store | TrackingError:
        """The store, or why it does not answer: it is asked once."""
        if self._store is None:
            try:
                self._store = open_store(self._uri)
            except TrackingError as error:
                self._store = error
        return self._store


def _with_end(head: Head, entries: list[Entry]) -> list[Entry]:
    """A run whose process has gone without a word was killed; of another machine's nobody here can tell."""
    if any("end" in entry for entry in entries) or head.host != provenance.host():
        return entries
    return [*entries, {"tag": ["error", WITHOUT_A_WORD]}, {"end": ["KILLED", None]}]


def _counted(entries: list[Entry]) -> str:
    """For instance "120 points, 2 files, the end"."""
    counts = Counter[str]()
    for entry in entries:
        for kind, content in entry.items():
            counts[kind] += len(content) if kind == "metrics" else 1
    words = {"metrics": "points", "file": "files", "tag": "tags"}
    parts = [
        f"{counts[kind]} {word if counts[kind] > 1 else word[:-1]}" for kind, word in words.items() if counts[kind]
    ]
    parts += ["the settings"] * bool(counts["params"]) + ["the end"] * bool(counts["end"])
    return ", ".join(parts) or "nothing whole"
