"""Where runs keep their files: one folder per run under a root, named by time, newest last.

A run counts as trained once its best checkpoint is whole. Knows nothing about trackers.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from wallpaper.training.checkpoint import BEST, LAST, checkpoint_path

STAMP = "%Y%m%d-%H%M%S"


def new_run_folder(root: Path, *, now: datetime | None = None) -> Path:
    """Make and return `<root>/<time>`, with a counter if that second is taken."""
    stamp = (now or datetime.now()).strftime(STAMP)
    for count in range(1000):
        folder = root / (stamp if not count else f"{stamp}-{count:03d}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(f"{root} must have room for a run named {stamp}; choose another output folder")


def latest_run(root: Path, checkpoint: str = BEST) -> Path | None:
    """The newest run under `root` that holds this checkpoint, or None."""
    if checkpoint_path(root, checkpoint).is_file():
        return root
    found = [path.parent for path in root.glob(f"*/{checkpoint_path(Path(), checkpoint)}")]
    return max(found, default=None, key=lambda folder: folder.name)


def resumable_run(root: Path, name: str) -> Path:
    """The run to go on with: a folder, a name under `root`, or "last".

    Raises: FileNotFoundError: no such run, or it has no checkpoint to go on from.
    """
    folder = (
        latest_run(root, LAST) if name == "last" else next((p for p in (root / name, Path(name)) if p.is_dir()), None)
    )
    if folder is None or not checkpoint_path(folder, LAST).is_file():
        raise FileNotFoundError(f"`--resume {name}` needs a run with a `{LAST}` checkpoint, but {root} has none such")
    return folder
