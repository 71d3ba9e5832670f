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
from wallpaper.delivery import Delivery
from wallpaper.journal import Entry, Head, Journal, find, read
from wallpaper.mlflow_plugin import Store, TrackingError, open_store, tracking_uri
from wallpaper.redaction import without_passwords

OUTPUT = Path("output")


@click.command("sync")
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path), metavar="[FOLDERS]...")
@click.option("--tracking-uri", help="The store to send to.  [default: the one that each run was begun in]")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
def sync(folders: tuple[Path, ...], tracking_uri: str | None, dry_run: bool) -> None:
    """Send what runs could not record while their tracking server was away.

    While a store does not answer, a run goes on and keeps metric points, tags, files and how it ended in a journal
    (unsent-RUN.jsonl) beside its other files. The run sends it itself as soon as it can, and when it is resumed; what
    is left after its end, or after it was killed, is sent by this command. Nothing is recorded twice.

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
    stores: dict[str, Store | TrackingError] = {}
    with bar("Sending", "runs") as move:
        for number, path in enumerate(journals, 1):
            said, done = _sync(path, tracking_uri, dry_run, stores)
            left += not done
            move.note(said)
            move(number, len(journals))
    if left and not dry_run:
        click.echo(f"{left} of {len(journals)} journals stay; the same command tries again.", err=True)
        sys.exit(1)


def _sync(path: Path, uri: str | None, dry_run: bool, stores: dict[str, Store | TrackingError]) -> tuple[str, bool]:
    """What became of a journal, in a sentence, and whether it is done with."""
    try:
        head, entries = read(path)
    except (ValueError, OSError) as error:
        return str(error), False
    what = f"run {head.run}: {_counted(entries)}"
    if head.host == provenance.host() and provenance.is_alive(head.process):
        return f"{what} wait; its process still runs, and sends them itself", True
    if dry_run:
        return f"{what} wait for {without_passwords(uri or head.uri)}", False
    where = uri or _known(head.uri)
    try:
        store = _opened(where, stores)
    except TrackingError as error:
        return f"{what} not sent: {error}", False
    delivery = Delivery(store, head.run, Journal(path.parent, head))
    delivery.take_up(_with_end(head, entries))
    if not delivery.send(at_once=True):
        return f"{what} not sent to {store.shown}", False
    return f"{what} sent to {store.shown}", True


def _known(address: str) -> str:
    """A journal's address with the password that the environment has for it: no file keeps one."""
    given = tracking_uri()
    return given if without_passwords(given) == address else address


def _opened(uri: str, stores: dict[str, Store | TrackingError]) -> Store:
    """Each store is asked once. Raises: TrackingError: it does not answer."""
    if uri not in stores:
        try:
            stores[uri] = open_store(uri)
        except TrackingError as error:
            stores[uri] = error
    found = stores[uri]
    if isinstance(found, TrackingError):
        raise found
    return found


def _with_end(head: Head, entries: list[Entry]) -> list[Entry]:
    """A run whose process has gone without a word was killed; of another machine's nobody here can tell."""
    if any("end" in entry for entry in entries) or head.host != provenance.host():
        return entries
    return [*entries, {"tag": ["error", "its process ended without a word"]}, {"end": ["KILLED", None]}]


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
