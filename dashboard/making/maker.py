"""Makes what is asked for, one after the other, and keeps the last: the one place where the dashboard computes.

Bounded in time and memory; asked from threads, never from the event loop.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from dashboard.making import files
from dashboard.making.lengths import Lengths, count_evaluations, measure
from dashboard.making.models import Models
from dashboard.making.previews import Film, strip
from dashboard.making.transitions import Made, Wanted, make
from dashboard.making.uploads import Start
from dashboard.recent import Recent
from dashboard.store import Store
from wallpaper.data.samples import Sample

MOST_KEPT = 16
"""Transitions, some 4 MB each."""

MOST_STARTS = 24
MOST_START_BYTES = 96 * 2**20
"""Of their files; the ones given longest ago are dropped."""

MOST_FILES = 24
MOST_LENGTHS = 32
MOST_PREVIEWS = 600
"""Some 10 kB each."""


class Maker:
    """Transitions by token. May be used by several threads; one makes at a time, so that pages stay quick."""

    def __init__(self, store: Store) -> None:
        self.models = Models(store)
        self._secret = secrets.token_bytes(16)
        self._computing, self._looking = threading.Lock(), threading.Lock()
        self._measuring, self._counting = threading.Lock(), threading.Lock()
        self._made: Recent[str, Made] = Recent(MOST_KEPT)
        self._starts: Recent[str, Start] = Recent(MOST_STARTS)
        self._files: Recent[tuple[str, str, int], bytes] = Recent(MOST_FILES)
        self._lengths: Recent[tuple[str, int], Lengths] = Recent(MOST_LENGTHS)
        self._films: Recent[str, Film] = Recent(MOST_LENGTHS)
        self._previews: Recent[tuple[str, str, str], bytes] = Recent(MOST_PREVIEWS)
        self._evaluations: Recent[tuple[str, int], NDArray[np.int64]] = Recent(MOST_LENGTHS)

    def token(self, wanted: Wanted | Film) -> str:
        """Names a transition in addresses; nobody can guess one that starts at somebody else's picture."""
        return hashlib.blake2b(repr(wanted).encode(), key=self._secret, digest_size=16).hexdigest()

    def add(self, start: Start) -> None:
        """Keep a picture to start from."""
        with self._looking:
            self._starts[start.digest] = start
            while sum(len(each.content) for each in self._starts.values()) > MOST_START_BYTES:
                self._starts.popitem(last=False)

    def made(self, token: str) -> Made | None:
        """What was made, None if it was not or is kept no longer. Does not block."""
        with self._looking:
            return self._made.get(token)

    def make(self, wanted: Wanted) -> str:
        """The token of a transition, which is made if it is not kept. Blocks for seconds.

        Raises: ValueError: see `make` and `Models.get`; or what it starts from is not there, or kept no longer.
        """
        token = self.token(wanted)
        if self.made(token) is not None:
            return token
        start = self._start(wanted)
        with self._computing:
            found = self.made(token) or make(self.models.get(wanted.model), wanted, start)
        with self._looking:
            self._made[token] = found
        return token

    def _start(self, wanted: Wanted) -> Start | Sample | None:
        """Raises: ValueError: no such picture or sample."""
        if wanted.picture:
            start = self._starts.get(wanted.picture)
            if start is None:
                raise ValueError("the picture to start from must be kept, but is not any more; give it again")
            return start
        if wanted.sample:
            samples = self.models.samples(wanted.model)
            if samples is None or wanted.sample not in samples.by_id:
                raise ValueError(f"no sample {wanted.sample} is packed with this model; start at a seed or a picture")
            return samples.by_id[wanted.sample]
        return None

    def offer(self, film: Film) -> str:
        """The token by which a page's previews are asked for."""
        token = self.token(film)
        with self._looking:
            self._films[token] = film
        return token

    def preview(self, token: str, source: str, target: str) -> bytes | None:
        """The strip of a pair, None if nobody has been offered such. Blocks for a second if it must be made.

        Raises: ValueError: see `Models.get` and `strip`. RuntimeError: a seed with no acceptable pattern.
        """
        key = (token, source, target)
        with self._looking:
            film, found = self._films.get(token), self._previews.get(key)
        if film is None or found is not None:
            return found
        with self._computing:
            found = self._previews.get(key) or strip(self.models.get(film.model), film, source, target)
        with self._looking:
            self._previews[key] = found
        return found

    def lengths(self, model: str, seed: int) -> Lengths:
        """Of all paths. Blocks for seconds, in which transitions are made. Raises: ValueError: see `Models.get`."""
        key = (model, seed)
        with self._measuring:
            if key not in self._lengths:
                self._lengths[key] = measure(self.models.get(model), seed)
            return self._lengths[key]

    def evaluations(self, model: str, seed: int, tick: Callable[[int], None]) -> NDArray[np.int64]:
        """Of the field on all paths, see `count_evaluations`. Blocks for a minute or two; what `tick` raises ends it.

        Raises: ValueError: see `Models.get`. SolveError: a path that cannot be solved.
        """
        key = (model, seed)
        with self._counting:
            if key not in self._evaluations:
                self._evaluations[key] = count_evaluations(self.models.get(model), seed, tick)
            return self._evaluations[key]

    def file(self, token: str, kind: str, frame: int) -> bytes | None:
        """A file to keep, None if the transition is kept no longer. Blocks. Raises: ValueError: see `files.encode`."""
        made, key = self.made(token), (token, kind, frame)
        if made is None:
            return None
        with self._looking:
            found = self._files.get(key)
        if found is None:
            with self._computing:
                found = files.encode(made.result, kind, frame)
            with self._looking:
                self._files[key] = found
        return found


_makers: WeakKeyDictionary[Store, Maker] = WeakKeyDictionary()


def maker_of(store: Store) -> Maker:
    """The one maker beside a store."""
    if store not in _makers:
        _makers[store] = Maker(store)
    return _makers[store]
