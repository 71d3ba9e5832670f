"""The project's folder: where runs are recorded and the applications besides the library are.

Imports nothing, so that a command finds them before it loads anything.
"""

from __future__ import annotations

from pathlib import Path

PROJECT = "wallpaper"
"""The name in MLproject."""


def is_project(folder: str | Path) -> bool:
    """Whether `folder` is a local checkout of this project."""
    try:
        lines = (Path(folder) / "MLproject").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return f"name: {PROJECT}" in (line.strip() for line in lines)


def project_root() -> Path:
    """The checkout that the command was started in, else the one that the package lies in, else the current folder."""
    here, package = Path.cwd(), Path(__file__).resolve().parent.parent
    return package if is_project(package) and not is_project(here) else here
