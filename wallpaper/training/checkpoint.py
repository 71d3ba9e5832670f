"""Checkpoints: tensors and plain data in one safetensors file, never pickle.

Weights, optimiser and random states are tensors in the file's body; everything else is JSON in its
header, so a checkpoint is one file, written in one step. `<name>.json` beside it is a copy of the
plain data for people. Format: https://huggingface.co/docs/safetensors. Knows no model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from wallpaper.training.config import from_mapping, to_mapping
from wallpaper.training.files import write_bytes, write_json

FORMAT = "wallpaper-checkpoint"
VERSION = 1

BEST, LAST = "best", "last"

_BODY = ("weights", "state")


class CheckpointError(RuntimeError):
    """A checkpoint is missing, cut off, of another format, or does not fit what it is loaded into."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What `save_checkpoint` was given, tensors on the CPU."""

    weights: dict[str, Tensor]
    state: dict[str, Tensor]
    meta: dict[str, Any]


def checkpoint_path(folder: Path, name: str) -> Path:
    """Where the checkpoint `name` of a run lies."""
    return folder / f"{name}.safetensors"


def save_checkpoint(
    folder: Path, name: str, *, weights: Mapping[str, Tensor], state: Mapping[str, Tensor], meta: Mapping[str, Any]
) -> Path:
    """Write a checkpoint in one step, replacing an older one of that name.

    Args:
        weights: a module's state_dict.
        state: other tensors, such as `optimiser_tensors` and a generator's state.
        meta: plain data; NaN is refused.
    Returns: the file's path.
    """
    parts = dict(zip(_BODY, (weights, state), strict=True))
    tensors = {f"{part}/{key}": _owned(value) for part, values in parts.items() for key, value in values.items()}
    header = {"format": FORMAT, "version": str(VERSION), "meta": json.dumps(dict(meta), allow_nan=False)}
    path = checkpoint_path(folder, name)
    write_bytes(path, safetensors.torch.save(tensors, metadata=header))
    write_json(folder / f"{name}.json", dict(meta))
    return path


def load_checkpoint(folder: Path, name: str) -> Checkpoint:
    """Read a checkpoint onto the CPU. Raises: CheckpointError: missing, cut off, or of another format."""
    path = checkpoint_path(folder, name)
    if not path.is_file():
        raise CheckpointError(f"no checkpoint at {path}; train first, or give the folder of a finished training")
    try:
        with safetensors.safe_open(path, framework="pt", device="cpu") as file:
            header = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no mapping
    except (safetensors.SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is not a whole safetensors file ({error}); restore it or train again") from error
    if header.get("format") != FORMAT or header.get("version") != str(VERSION):
        found = f"format {header.get('format')!r}, version {header.get('version')!r}"
        raise CheckpointError(f"{path} must have format {FORMAT!r}, version '{VERSION}', but has {found}")
    weights, state = ({k.removeprefix(f"{p}/"): v for k, v in tensors.items() if k.startswith(f"{p}/")} for p in _BODY)
    try:
        meta = json.loads(header["meta"])
    except (KeyError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} must describe itself in JSON, but does not: {error}; train again") from error
    return Checkpoint(weights, state, meta)


def load_weights(module: torch.nn.Module, weights: Mapping[str, Tensor], source: Path | str) -> None:
    """Put weights into a module. Raises: CheckpointError: names or shapes differ, with the first few."""
    own = module.state_dict()
    wrong = [f"{name} is missing" for name in own.keys() - weights.keys()]
    wrong += [f"{name} is unknown" for name in weights.keys() - own.keys()]
    wrong += [
        f"{name} is {tuple(weights[name].shape)}, not {tuple(own[name].shape)}"
        for name in own.keys() & weights.keys()
        if own[name].shape != weights[name].shape
    ]
    if wrong:
        raise CheckpointError(f"{source} must hold the weights of this model, but {'; '.join(sorted(wrong)[:3])}")
    module.load_state_dict(dict(weights))


def check_same_run(path: Path, saved: Mapping[str, Any], given: Mapping[str, Any], may_change: Collection[str]) -> None:
    """Raises: CheckpointError: a run cannot be resumed, because `given` settings differ from the `saved` ones."""
    names = [name for name in {**saved, **given} if name not in may_change and saved.get(name) != given.get(name)]
    if names:
        found = "; ".join(f"{name} was {saved.get(name)!r}, is now {given.get(name)!r}" for name in names)
        raise CheckpointError(f"{path} can only be resumed with the same settings and data, but {found}")


def saved_settings(cls: type, checkpoint: Checkpoint, path: Path) -> dict[str, Any]:
    """The settings of the run that wrote a checkpoint `last`; those that are newer than it have their defaults.

    Raises: CheckpointError: it is no checkpoint of a training in progress, or of other settings than `cls`.
    """
    if not {"config", "data", "loop"} <= checkpoint.meta.keys():
        raise CheckpointError(
            f"{path} must hold a training to go on with, but holds {sorted(checkpoint.meta)}; resume from a `{LAST}`"
        )
    try:
        return to_mapping(from_mapping(cls, checkpoint.meta["config"]))
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path} must hold settings of this version, but {error}") from error


def optimiser_tensors(optimiser: torch.optim.Optimizer, prefix: str = "optimiser") -> dict[str, Tensor]:
    """The optimiser's moments and step counts, keyed "<prefix>/<parameter number>/<name>"."""
    state = optimiser.state_dict()["state"]
    return {f"{prefix}/{number}/{key}": value for number, values in state.items() for key, value in values.items()}


def load_optimiser(optimiser: torch.optim.Optimizer, state: Mapping[str, Tensor], prefix: str = "optimiser") -> None:
    """Put `optimiser_tensors` back; the settings of the optimiser's groups stay as built."""
    found: dict[int, dict[str, Tensor]] = {}
    for name, value in state.items():
        if name.startswith(f"{prefix}/"):
            number, key = name.removeprefix(f"{prefix}/").split("/")
            found.setdefault(int(number), {})[key] = value
    optimiser.load_state_dict({"state": found, "param_groups": optimiser.state_dict()["param_groups"]})


def weights_digest(weights: Mapping[str, Tensor]) -> str:
    """sha256 (hex) of names, shapes, types and values: the identity of a trained model."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        value = weights[name].detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _owned(value: Tensor) -> Tensor:
    """A contiguous copy on the CPU: safetensors refuses tensors that share memory."""
    return value.detach().cpu().clone(memory_format=torch.contiguous_format)
