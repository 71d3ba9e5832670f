from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_a_mistake_is_one_line_and_nothing_of_the_libraries_beneath(tmp_path: Path) -> None:
    """In a process of its own: what is imported first, and warns, depends on nothing else."""
    command = [sys.executable, "-m", "wallpaper", "search", "--retry-failed"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert done.stderr.splitlines() == [
        "Error: --retry-failed needs --resume NAME: the search whose failed trials shall run again"
    ]
    assert done.returncode == 2


def test_the_door_itself_loads_nothing_heavy() -> None:
    code = "import sys, wallpaper.cli.search; print(sorted({'mlflow', 'ray', 'torch', 'optuna'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert (done.stdout, done.stderr) == ("[]\n", "")
