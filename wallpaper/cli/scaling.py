"""`--gpus`, `--workers` and `--address`: how many processes train one model, and whether they can.

Checks what can be checked before torch and Ray are loaded, which takes seconds; the work is in `wallpaper.cluster`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from wallpaper.training.world import Scaling

F = TypeVar("F", bound=Callable[..., Any])


def scaling_options(function: F) -> F:
    """Adds --gpus, --workers and --address."""
    gpus = click.option(
        "--gpus", type=click.IntRange(0), default=0, metavar="N", help="Train on N GPUs, under Ray, each batch shared."
    )
    workers = click.option(
        "--workers", type=click.IntRange(0), default=0, metavar="N", help="Train in N processes on CPUs, under Ray."
    )
    address = click.option(
        "--address",
        default="",
        metavar="HOST:PORT",
        help="Of a running Ray cluster (auto: the one on this machine) whose machines all reach data and output.",
    )
    return gpus(workers(address(function)))


def chosen_scaling(gpus: int, workers: int, address: str) -> Scaling | None:
    """What was asked for, None for this process alone. Raises: ValueError: it cannot be had."""
    if gpus and workers:
        raise ValueError(f"`--gpus` or `--workers` must be given, but got both, {gpus} and {workers}")
    if address and not (gpus or workers):
        raise ValueError(f"`--address {address}` needs `--gpus N` or `--workers N`: how many of its machines' to use")
    if not (gpus or workers):
        return None
    import torch  # noqa: PLC0415 - takes seconds: no help or mistake above waits for it

    from wallpaper.training.world import Scaling  # noqa: PLC0415 - as above

    if address:
        _with_ray("wallpaper.ray_address").check_answers(address)
    elif gpus > torch.cuda.device_count():
        raise ValueError(
            f"`--gpus {gpus}` needs as many GPUs that torch can use, but this machine has {torch.cuda.device_count()}; "
            "use --workers for CPUs, or --address of a Ray cluster that has them"
        )
    return Scaling(gpus or workers, bool(gpus), address)


def load_cluster() -> Any:
    """The module `cluster`. Raises: ValueError: Ray is not installed."""
    return _with_ray("wallpaper.cluster")


def _with_ray(module: str) -> Any:
    """A module that loads Ray or what comes with it. Raises: ValueError: that is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith(("ray", "grpc", "pyarrow", "pandas")):
            raise
        raise ValueError(
            f"`--gpus` and `--workers` need Ray, but {error.name} is not installed; pip install 'ray[train]' grpcio"
        ) from error
