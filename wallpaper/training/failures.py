"""What goes wrong outside a training's numbers, said in one sentence: memory, disk, and the patterns to blame.

Turns library errors into `TrainingError`; what has been saved stays as it is. Knows no loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from wallpaper.plane import GROUP_NAMES
from wallpaper.training.stopping import TrainingError

_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "cannot allocate memory")
"""How torch says it where it raises a bare RuntimeError."""


@contextmanager
def memory_errors(where: Callable[[], str], batch_size: int) -> Iterator[None]:
    """Running out of memory inside the block becomes a `TrainingError` that says where, and what to lower."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        known = isinstance(error, MemoryError | torch.OutOfMemoryError)
        if not known and not any(words in str(error).lower() for words in _NO_MEMORY):
            raise
        raise TrainingError(
            f"the memory must hold a step, but ran out in {where()}; lower `batch_size` (now {batch_size}) or "
            "`resolution`. Saved checkpoints are intact"
        ) from error


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """A file that cannot be written inside the block becomes a `TrainingError` that names it and the reason."""
    try:
        yield
    except OSError as error:
        raise TrainingError(
            f"{error.filename or folder} must be written, but cannot be: {error.strerror or error}; make room there, "
            f"then go on with --resume {folder}. The last checkpoint that was saved is intact"
        ) from error


def pattern_name(index: int, group: int) -> str:
    """How a message calls a pattern of the dataset: "pattern 17 (p4m)"."""
    return f"pattern {index} ({GROUP_NAMES[group]})"


def spoilt_rows(*values: Tensor) -> list[int]:
    """Rows of the tensors (B, ...) that hold anything not finite in one of them, in ascending order."""
    fine = [value.detach().flatten(1).isfinite().all(dim=1).cpu() for value in values]
    return torch.stack(fine).all(dim=0).logical_not().nonzero()[:, 0].tolist()
