"""Damaged and hostile files for every reader, until one fails in another way than it promises.

    python -m benchmarks.fuzz_readers --minutes 10 --seed 1 --keep output/fuzz

Each case is a valid file, changed. A reader must read it or refuse it with its own error, within memory and time.
Cases run in a process of their own, since a library in C may take it down; what failed is kept, and named. With
--corpus tests/hostile/corpus the files there come first, and what is refused in a new way is added to them.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import click

from benchmarks.fuzz_corpus import READ, Corpus, answer
from benchmarks.fuzz_files import READERS, Reader

Source: TypeAlias = int | Sequence[Path]
"""Where cases come from: the seed of damage, or files as they are."""

MEMORY = 3 * 2**30
"""Bytes of address space beyond what the process has when it begins."""

SECONDS = 30
"""For one case."""

HOSTILE = (
    b"null", b"-1", b"1e999", b"NaN", b'""', b"[]", b"{}", b"true", b"99999999999999999999", b"[" * 3000,
    b'{"a":' * 3000, b"../../etc/passwd", b"!!python/object/apply:os.system ['true']",
    b"&a [*a, *a]", b"\xff\xfe\x00", b"\x00",
)  # fmt: skip
"""Spliced into texts."""

EDGES = (0, 1, 2**7, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**48, 2**63 - 1, 2**63, 2**64 - 1)
"""Written over integers of a binary file."""


def damaged(content: bytes, draw: random.Random, *, text: bool) -> bytes:
    """The content with one to four changes."""
    for _ in range(draw.randint(1, 4)):
        content = _changed(content, draw, text)
    return content


def _changed(content: bytes, draw: random.Random, text: bool) -> bytes:
    place = draw.randrange(len(content) + 1)
    kind = draw.randrange(6)
    if kind == 0:
        return content[:place]
    if kind == 1:
        return content[:place] + draw.randbytes(draw.choice((1, 4, 64))) + content[place:]
    if kind == 2:
        length = draw.choice((1, 8, 512))
        return content[:place] + content[place + length :]
    if text:
        end = min(len(content), place + draw.choice((0, 1, 4, 16)))
        return content[:place] + draw.choice(HOSTILE) + content[end:]
    if kind == 3:
        length = draw.choice((1, 2, 8))
        return content[:place] + draw.randbytes(length) + content[place + length :]
    # Heads say how large things are: most damage goes there.
    place = draw.randrange(min(len(content), 4096) + 1) if draw.random() < 0.7 else place
    size = draw.choice((1, 2, 4, 8))
    value: int = draw.choice(EDGES) % 256**size
    edge = value.to_bytes(size, "little" if draw.random() < 0.8 else "big")
    return content[:place] + edge + content[place + size :]


def content_of(reader: Reader, base: Path, source: Source, number: int) -> bytes:
    """The file of a case."""
    if not isinstance(source, int):
        return source[number].read_bytes()
    draw = random.Random(f"{reader.name}/{source}/{number}")
    return damaged((base / reader.file).read_bytes(), draw, text=reader.text)


def run_cases(reader: Reader, base: Path, source: Source, first: int, last: int) -> Iterator[dict[str, Any]]:
    """Damage, read, tell: a dictionary before each case and after it."""
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(first, last):
            folder = Path(scratch) / str(number)
            shutil.copytree(base, folder)
            (folder / reader.file).write_bytes(content_of(reader, base, source, number))
            yield {"begins": number}
            started = time.monotonic()
            verdict, answered = _read(reader, folder / reader.file)
            yield {"ends": number, "verdict": verdict, "answer": answered, "seconds": time.monotonic() - started}
            shutil.rmtree(folder)


def _read(reader: Reader, path: Path) -> tuple[str, str]:
    """Verdict and answer; the alarm ends the process."""
    signal.alarm(SECONDS)
    try:
        reader.read(path)
    except reader.refusals as error:
        return ("refused" if str(error).strip() else "refused without a word"), answer(error)
    except BaseException:
        return traceback.format_exc(limit=-4), "failed"
    finally:
        signal.alarm(0)
    return "read", READ


@contextmanager
def bounded() -> Iterator[None]:
    """Within the block this process gets `MEMORY` more than it has."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def child(name: str, base: str, first: str, last: str, *source: str) -> None:
    """Run cases in this process, a line of JSON for each. Args: source: a seed, or paths of files."""
    reader = READERS[name]
    reader.warm()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    cases: Source = int(source[0]) if source[0].isdecimal() else [Path(each) for each in source]
    with bounded():
        for told in run_cases(reader, Path(base), cases, int(first), int(last)):
            print(json.dumps(told), flush=True)


class Fuzz:
    """Runs children, goes on behind a case that took one down, and keeps what failed."""

    def __init__(self, seed: int, bases: Path, keep: Path | None, corpus: Corpus | None = None) -> None:
        self.seed, self.bases, self.keep, self.corpus = seed, bases, keep, corpus
        self.counts: dict[str, Counter[str]] = {name: Counter() for name in READERS}
        self.failures: list[str] = []

    def begin(self, name: str) -> None:
        """The files of the corpus."""
        files = [] if self.corpus is None else [path.resolve() for path in self.corpus.files(name)]
        if files:
            self.run(name, 0, len(files), files)

    def run(self, name: str, first: int, last: int, files: Sequence[Path] = ()) -> None:
        """The cases `first` to `last` - 1 of a reader: damaged by the seed, or these files."""
        base = self.bases / name
        source: Source = files or self.seed
        if not base.exists():
            base.mkdir(parents=True)
            READERS[name].make(base)
        while first < last:
            command = [sys.executable, "-m", "benchmarks.fuzz_readers", "child", name, str(base)]
            with subprocess.Popen(
                [*command, str(first), str(last), *([str(path) for path in files] or [str(self.seed)])],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as process:
                said, errors = process.communicate()
            rows = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
            if not rows:
                raise RuntimeError(f"the process for {name} did not begin: {errors[-2000:]}")
            for row in rows:
                if "ends" in row:
                    self._note(name, source, row["ends"], row["verdict"], row["answer"])
            if "begins" in rows[-1]:
                died = f"the process died: {process.returncode} {errors[-500:]}"
                self._note(name, source, rows[-1]["begins"], died, "failed")
                first = rows[-1]["begins"] + 1
            else:
                first = last

    def _note(self, name: str, source: Source, number: int, verdict: str, answered: str) -> None:
        good, reader = verdict in ("read", "refused"), READERS[name]
        self.counts[name][verdict if good else "failed"] += 1
        suffix = Path(reader.file).suffix
        if good and self.corpus is not None:
            if isinstance(source, int):
                content = content_of(reader, self.bases / name, source, number)
                self.corpus.found(name, answered, content, suffix)
            else:
                self.corpus.has(name, answered)
        if good:
            return
        case = f"case {number} of seed {source}" if isinstance(source, int) else source[number].name
        self.failures.append(f"{name}, {case}: {verdict}")
        if self.keep is not None and isinstance(source, int):
            self.keep.mkdir(parents=True, exist_ok=True)
            content = content_of(reader, self.bases / name, source, number)
            (self.keep / f"{name}-{source}-{number}{suffix}").write_bytes(content)


@click.command(help=__doc__)
@click.option("--minutes", type=click.FloatRange(0), default=1.0, show_default=True, help="Go on for so long.")
@click.option("--at-once", type=click.IntRange(1), default=200, show_default=True, help="Cases of a reader in turn.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--only", type=click.Choice(sorted(READERS)), multiple=True, help="These readers alone.")
@click.option("--corpus", "folder", type=click.Path(path_type=Path, file_okay=False),
              help="Folder of files to begin with; smallest files of new refusals are added.")  # fmt: skip
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Folder for files that failed.")
def main(
    minutes: float, at_once: int, seed: int, only: tuple[str, ...], folder: Path | None, keep: Path | None
) -> None:
    """Every reader in turn, at least once, until the time is over."""
    until, first = time.monotonic() + 60 * minutes, 0
    with tempfile.TemporaryDirectory() as bases:
        corpus = None if folder is None else Corpus(folder)
        fuzz = Fuzz(seed, Path(bases), keep, corpus)
        for name in only or READERS:
            fuzz.begin(name)
        while first == 0 or time.monotonic() < until:
            for name in only or READERS:
                fuzz.run(name, first, first + at_once)
            first += at_once
    print(f"{'reader':24} {'read':>8} {'refused':>8} {'failed':>8}")
    for name, counts in fuzz.counts.items():
        if counts:
            print(f"{name:24} {counts['read']:8} {counts['refused']:8} {counts['failed']:8}")
    for path in corpus.save() if corpus else ():
        print(f"kept {path}")
    for failure in fuzz.failures[:20]:
        print(f"\n{failure}")
    sys.exit(1 if fuzz.failures else 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(*sys.argv[2:])
    else:
        main()
