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
