"""What `wallpaper sync` does with a journal: it is read, and sent if it is for this store and its run has ended.

What is sent twice is recorded once: `wallpaper.delivery` sees to that. Says nothing itself.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from wallpaper import provenance
from wallpaper.delivery import WITHOUT_A_WORD, Delivery
from wallpaper.journal import Entry, Head, Journal, read
from wallpaper.mlflow_plugin import Store, TrackingError, open_store
from wallpaper.store_address import reason_of, without_passwords


class Target:
    """The store that is sent to, opened when the first journal for it is found."""

    def __init__(self, uri: str, dry_run: bool) -> None:
        self._uri, self._dry_run = uri, dry_run
        self._store: Store | TrackingError | None = None

    def take(self, path: Path) -> tuple[str, bool]:
        """What became of a journal, in a sentence, and whether it is done with.

        Raises: ValueError, OSError: it cannot be read.
        """
        head, entries = read(path)
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
        try:
            delivery.take_up(_with_end(store, head, entries))
            done = delivery.send(at_once=True)
            if done and any(entry.get("end", [""])[0] == "FINISHED" for entry in entries):
                _take_back_silence(store, head.run)
        except Exception as error:  # MLflow's, whatever its store is
            return f"{what} not sent to {store.shown}: {without_passwords(reason_of(error))}", False
        return f"{what} {'sent' if done else 'not sent'} to {store.shown}", done

    def _opened(self) -> Store | TrackingError:
        """The store, or why it does not answer: it is asked once."""
        if self._store is None:
            try:
                self._store = open_store(self._uri)
            except TrackingError as error:
                self._store = error
        return self._store


def _with_end(store: Store, head: Head, entries: list[Entry]) -> list[Entry]:
    """A run whose process has gone without a word was killed; of another machine's nobody here can tell.

    Unless it has ended already: files are kept with runs that are over, too.
    Raises: whatever the store raises if it does not answer, or has no such run.
    """
    if any("end" in entry for entry in entries) or head.host != provenance.host():
        return entries
    if store.client.get_run(head.run).info.status != "RUNNING":
        return entries
    return [*entries, {"tag": ["error", WITHOUT_A_WORD]}, {"end": ["KILLED", None]}]


def _take_back_silence(store: Store, run_id: str) -> None:
    """A later command may have closed the run as one that was killed, while its end waited here."""
    if store.client.get_run(run_id).data.tags.get("error") == WITHOUT_A_WORD:
        store.client.delete_tag(run_id, "error")


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
