"""How many heaps glibc has in a process with many threads, as its own `malloc_info` says."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.heaps import MOST, SETTING

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import ctypes, sys, threading
from dashboard.heaps import share_heaps
if sys.argv[1] == "few":
    share_heaps()
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
barrier = threading.Barrier(12)
def take():
    barrier.wait()
    assert library.malloc(ctypes.c_size_t(5000))
    barrier.wait()
threads = [threading.Thread(target=take) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
library.fopen.restype = ctypes.c_void_p
stream = ctypes.c_void_p(library.fopen(sys.argv[2].encode(), b"w"))
library.malloc_info(0, stream)
library.fclose(stream)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc")
def test_threads_share_heaps(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if name != SETTING}

    def heaps(words: str, environment: dict[str, str]) -> int:
        command = [sys.executable, "-c", PROGRAM, words, str(tmp_path / "info.xml")]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=100)
        return (tmp_path / "info.xml").read_text().count("<heap nr=")

    assert heaps("few", kept) <= MOST
    assert heaps("many", kept) > MOST
    assert heaps("few", kept | {SETTING: "5"}) > MOST, "what the user sets holds"


PINNED = """
import ctypes, sys, time
from dashboard.heaps import give_back
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.free.argtypes = [ctypes.c_void_p]
blocks = [library.malloc(ctypes.c_size_t(50_000)) for _ in range(2000)]
for block in blocks: ctypes.memset(block, 1, 50_000)
for block in blocks[:-1]: library.free(block)  # the last one keeps all below it
def resident(): return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6
before = resident()
if sys.argv[1] == "give": give_back(0.05)
until = time.monotonic() + (30 if sys.argv[1] == "give" else 1)
while time.monotonic() < until and resident() > before - 80: time.sleep(0.05)
print(before - resident())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc")
def test_what_is_free_below_something_that_is_kept_is_given_back() -> None:
    def given_back(words: str) -> float:
        command = [sys.executable, "-c", PINNED, words]
        return float(subprocess.run(command, cwd=ROOT, check=True, timeout=100, capture_output=True, text=True).stdout)

    assert given_back("give") > 80
    assert given_back("keep") < 10
