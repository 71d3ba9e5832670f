"""Starts the applications beside the library as processes of their own: applications never import each other.

They lie in the checkout and not in the package, so a command that needs one says where it looked.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from wallpaper.checkout import project_root
from wallpaper.cli.door import run


def call(application: str, command: Sequence[str], *, needs_store: bool = True) -> int:
    """Run `python COMMAND` in the project's folder, where `application` is, against the same store; its exit code.

    Ctrl-C reaches the application too, and SIGTERM is passed on: it ends in its own order, and that is waited for.
    Args: needs_store: whether there must be a tracking store; one that cannot be used is said here.
    Raises: FileNotFoundError: this runs without a checkout.
    """
    root = project_root()
    if not (root / application).is_dir():
        raise FileNotFoundError(
            f"`{application}/` must be in the project's folder, but {root} has none; call this from the checkout"
        )
    if needs_store:
        from wallpaper import tracking  # noqa: PLC0415 - loads MLflow, which takes seconds

        tracking.initialise()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return run([sys.executable, *command], cwd=root, env={**os.environ, "PATH": path})
