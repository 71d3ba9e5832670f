"""docs/tour.ipynb, run from top to bottom by Jupyter's own client: it shows what it says, and has no outputs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TOUR = Path(__file__).parents[2] / "docs" / "tour.ipynb"

PROGRAM = """
import sys
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
nbformat.validate(notebook)
NotebookClient(notebook, timeout=200, kernel_name="python3", resources={"metadata": {"path": "."}}).execute()
nbformat.write(notebook, "done.ipynb")
"""
"""A process of its own: Jupyter starts threads and event loops, and warns."""


def code_cells(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The notebook with what its cells showed."""
    folder = tmp_path_factory.mktemp("tour")
    environment = {**os.environ, "IPYTHONDIR": str(folder), "JUPYTER_RUNTIME_DIR": str(folder / "runtime")}
    command = [sys.executable, "-c", PROGRAM, str(TOUR)]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=250, env=environment)
    assert ran.returncode == 0, ran.stderr
    return folder / "done.ipynb"


def test_it_is_kept_without_outputs() -> None:
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code_cells(TOUR))


def test_every_cell_shows_what_its_text_says(done: Path) -> None:
    _, *cells = code_cells(done)
    printed = ["".join(part.get("text", "")) for cell in cells for part in cell["outputs"]]
    shown = {kind for cell in cells for part in cell["outputs"] for kind in part.get("data", {})}
    text = "".join(printed)
    assert shown >= {"image/png", "image/gif"}
    assert "found p4g" in text
    assert "p4 to p4m keeps order 4" in text
    assert "t = 0.00: p4\n" in text
    assert "t = 1.00: p4m\n" in text
    assert (done.parent / "tour.gif").stat().st_size > 10_000
