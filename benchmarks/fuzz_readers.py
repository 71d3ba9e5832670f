"""Damaged and hostile files for every reader, until one fails in another way than it promises.

    python -m benchmarks.fuzz_readers --minutes 10 --seed 1 --keep output/fuzz

Each case is a valid file, changed. A reader must read it or refuse it with its own error, within memory and time.
Cases run in a process of their own, since a library in C may take it down; what failed is kept, and named.
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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from benchmarks.fuzz_files import READERS, Reader

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


def run_cases(reader: Reader, base: Path, seed: int, first: int, last: int) -> Iterator[dict[str, Any]]:
    """Damage, read, tell: a dictionary before each case and after it."""
    whole = (base / reader.file).read_bytes()
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(first, last):
            folder = Path(scratch) / str(number)
            shutil.copytree(base, folder)
            content = damaged(whole, random.Random(f"{reader.name}/{seed}/{number}"), text=reader.text)
            (folder / reader.file).write_bytes(content)
            yield {"begins": number}
            started = time.monotonic()
            signal.alarm(SECONDS)
            try:
                reader.read(folder / reader.file)
                verdict = "read"
            except reader.refusals as error:
                verdict = "refused" if str(error).strip() else "refused without a word"
            except BaseException:
                verdict = traceback.format_exc(limit=-4)
            finally:
                signal.alarm(0)
            yield {"ends": number, "verdict": verdict, "seconds": time.monotonic() - started}
            shutil.rmtree(folder)


def child(name: str, base: str, seed: str, first: str, last: str) -> None:
    """Run cases in this process, a line of JSON for each."""
    reader = READERS[name]
    reader.warm()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    for told in run_cases(reader, Path(base), int(seed), int(first), int(last)):
        print(json.dumps(told), flush=True)


class Fuzz:
    """Runs children, goes on behind a case that took one down, and keeps what failed."""

    def __init__(self, seed: int, bases: Path, keep: Path | None) -> None:
        self.seed, self.bases, self.keep = seed, bases, keep
        self.counts: dict[str, Counter[str]] = {name: Counter() for name in READERS}
        self.failures: list[str] = []

    def run(self, name: str, first: int, last: int) -> None:
        """The cases `first` to `last` - 1 of a reader."""
        base = self.bases / name
        if not base.exists():
            base.mkdir(parents=True)
            READERS[name].make(base)
        while first < last:
            command = [sys.executable, "-m", "benchmarks.fuzz_readers", "child", name, str(base)]
            with subprocess.Popen(
                [*command, str(self.seed), str(first), str(last)],
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
                    self._note(name, row["ends"], row["verdict"])
            if "begins" in rows[-1]:
                self._note(name, rows[-1]["begins"], f"the process died: {process.returncode} {errors[-500:]}")
                first = rows[-1]["begins"] + 1
            else:
                first = last

    def _note(self, name: str, number: int, verdict: str) -> None:
        good = verdict in ("read", "refused")
        self.counts[name][verdict if good else "failed"] += 1
        if good:
            return
        self.failures.append(f"{name}, case {number} of seed {self.seed}: {verdict}")
        if self.keep is not None:
            self.keep.mkdir(parents=True, exist_ok=True)
            reader = READERS[name]
            whole = (self.bases / name / reader.file).read_bytes()
            content = damaged(whole, random.Random(f"{name}/{self.seed}/{number}"), text=reader.text)
            (self.keep / f"{name}-{self.seed}-{number}{Path(reader.file).suffix}").write_bytes(content)


@click.command(help=__doc__)
@click.option("--minutes", type=click.FloatRange(0), default=1.0, show_default=True, help="Go on for so long.")
@click.option("--at-once", type=click.IntRange(1), default=200, show_default=True, help="Cases of a reader in turn.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--only", type=click.Choice(sorted(READERS)), multiple=True, help="These readers alone.")
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Folder for files that failed.")
def main(minutes: float, at_once: int, seed: int, only: tuple[str, ...], keep: Path | None) -> None:
    """Every reader in turn, at least once, until the time is over."""
    until, first = time.monotonic() + 60 * minutes, 0
    with tempfile.TemporaryDirectory() as bases:
        fuzz = Fuzz(seed, Path(bases), keep)
        while first == 0 or time.monotonic() < until:
            for name in only or READERS:
                fuzz.run(name, first, first + at_once)
            first += at_once
    print(f"{'reader':24} {'read':>8} {'refused':>8} {'failed':>8}")
    for name, counts in fuzz.counts.items():
        if counts:
            print(f"{name:24} {counts['read']:8} {counts['refused']:8} {counts['failed']:8}")
    for failure in fuzz.failures[:20]:
        print(f"\n{failure}")
    sys.exit(1 if fuzz.failures else 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(*sys.argv[2:])
    else:
        main()
