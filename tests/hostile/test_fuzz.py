"""Every reader refuses damaged files with its own error; `python -m benchmarks.fuzz_readers` goes on for longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.fuzz_files import READERS
from benchmarks.fuzz_readers import run_cases

CASES = 12


@pytest.mark.parametrize("name", READERS)
def test_damaged_files_are_read_or_refused(name: str, tmp_path: Path) -> None:
    reader = READERS[name]
    reader.make(tmp_path)
    reader.read(tmp_path / reader.file)  # the example itself is sound
    told = [row for row in run_cases(reader, tmp_path, source=0, first=0, last=CASES) if "ends" in row]
    assert len(told) == CASES
    assert {row["verdict"] for row in told} <= {"read", "refused"}, told
    assert "refused" in {row["verdict"] for row in told}
