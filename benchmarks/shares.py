"""Where the time of a training epoch goes: the real loop under torch's profiler, every moment counted once.

An operation belongs to the innermost kind that it is, or that something it was called by is; forward and backward
alike. Times are the profiler's, by the clock and on one thread, so that only their shares mean something.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from torch import Tensor
from torch.profiler import ProfilerActivity, profile, record_function

from wallpaper.symmetry import project
from wallpaper.training.augment import move, reordered
from wallpaper.training.checkpoint import save_checkpoint
from wallpaper.training.pattern_source import Indices, PatternSource
from wallpaper.training.vae_config import VaeConfig
from wallpaper.training.vae_loop import fit_vae
from wallpaper.training.vae_run import build_vae

EPOCH = "benchmark: epoch"
MARKS = {
    "convolutions": ("aten::convolution", "aten::convolution_backward", "ConvolutionBackward0"),
    "projection": ("benchmark: projection", "_OrbitMean"),
    "data": ("benchmark: data",),
    "augmentation": ("benchmark: augmentation",),
    "optimiser": ("Optimizer.", "aten::_foreach", "aten::_fused_adamw", "aten::linalg_vector_norm"),
    "normalisation": ("aten::batch_norm", "aten::group_norm", "NativeBatchNormBackward", "NativeGroupNormBackward"),
    "wrapping around": (
        "_Wrap",
        "aten::pad",
        "torch::autograd::CopySlices",
        "SliceBackward0",
        "aten::cat",
        "CatBackward0",
    ),
    "checkpoints": ("benchmark: checkpoint",),
    "building the model": ("benchmark: building",),
}
ONCE = ("checkpoints", "building the model")
"""Kinds that come once an epoch or once a run, however many steps there are."""
MARKED: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("projection", project),
    ("augmentation", move),
    ("augmentation", reordered),
    ("checkpoint", save_checkpoint),
    ("building", build_vae),
)
REST = "other layers and losses"
BETWEEN = "Python between operations"


@dataclass
class RecordedSource:
    """A source whose reads show in a profile."""

    source: PatternSource

    def __getattr__(self, name: str) -> Any:
        return getattr(self.source, name)

    def batch(self, indices: Indices, **options: Any) -> Tensor:
        """See `PatternSource`."""
        with record_function("benchmark: data"):
            return self.source.batch(indices, **options)


def epoch_shares(config: VaeConfig, source: PatternSource, folder: Path, device: str) -> dict[str, float]:
    """Seconds by kind of one epoch of `fit_vae`: training, validation and checkpoints.

    Args:
        config: of one epoch.
        folder: takes the run.
    """
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device == "cuda" else [])]
    with _marked(), profile(activities=activities) as profiler, record_function(EPOCH):
        fit_vae(config, RecordedSource(source), folder, device=device)
    return shares_of(profiler.events() or [])


def shares_of(events: list[Any]) -> dict[str, float]:
    """Seconds by kind of a profile's events; on a GPU those of the kernels that an operation started."""
    seconds: dict[str, float] = dict.fromkeys([*MARKS, REST, BETWEEN], 0.0)
    on_gpu = any(event.self_device_time_total for event in events)
    for event in events:
        if event.device_type.name != "CPU" or not (on_gpu or _inside(event)):
            continue  # a kernel itself, which its operation has told of, or another thread's work beside this one's
        taken = event.self_device_time_total if on_gpu else event.self_cpu_time_total
        seconds[kind_of(event)] += taken / 1e6
    return seconds


def kind_of(event: Any) -> str:
    """The innermost kind among an event and its callers."""
    if event.name == EPOCH:
        return BETWEEN
    while event is not None:
        name = event.name.removeprefix("autograd::engine::evaluate_function: ")
        for kind, starts in MARKS.items():
            if name.startswith(starts):
                return kind
        event = event.cpu_parent
    return REST


def _inside(event: Any) -> bool:
    while event.cpu_parent is not None:
        event = event.cpu_parent
    return bool(event.name == EPOCH)


@contextmanager
def _marked() -> Iterator[None]:
    """Every use of `MARKED` in the library shows in a profile."""
    with ExitStack() as stack:
        for module in [module for name, module in sys.modules.items() if name.startswith("wallpaper.")]:
            for name, function in MARKED:
                own = getattr(module, function.__name__, None)
                if own is function:
                    stack.enter_context(patch.object(module, function.__name__, _recorded(name, function)))
        yield


def _recorded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*arguments: Any, **options: Any) -> Any:
        with record_function(f"benchmark: {name}"):
            return function(*arguments, **options)

    return run
