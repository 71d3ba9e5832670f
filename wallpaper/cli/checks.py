"""The checks of `wallpaper doctor`: is everything there that the commands need, and what to do where it is not.

Each is a function that gives findings; none changes anything, and none loads MLflow or Ray: a broken or missing one can
be told too.
"""

from __future__ import annotations

import importlib.util
import platform
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import imageio_ffmpeg
import torch

from wallpaper import provenance
from wallpaper.checkout import project_root
from wallpaper.cli.finding import Finding
from wallpaper.cli.places import DEMO_DATA, SHIPPED, model_folder
from wallpaper.cli.store_check import check_store
from wallpaper.data import PatternStore, StoreError
from wallpaper.models.transition_model import TransitionModel
from wallpaper.transition import transition_from_seed

LEAST_DISK = 2 * 10**9
"""Bytes: a dataset of the preset `champion` and a training's checkpoints."""

LEAST_MEMORY = 10**9
"""Bytes: torch and a training of the preset `laptop`."""

BROWSERS = ("chromium", "google-chrome", "chrome")

PORTS = {5000: "mlflow ui", 5001: "wallpaper serve", 8080: "wallpaper dashboard"}

APPLICATIONS = ("mlflow", "ray", "optuna", "nicegui", "plotly")


def check_versions() -> Iterator[Finding]:
    """Python, and the packages against the checkout's pins."""
    yield Finding(
        "python", "ok", f"{platform.python_version()}, torch {torch.__version__}, {torch.get_num_threads()} threads"
    )
    missing = [name for name in APPLICATIONS if importlib.util.find_spec(name) is None]
    if missing:
        yield Finding(
            "packages", "warning", f"not installed: {', '.join(missing)}", "pip install -e '.[apps]' -c constraints.txt"
        )
    pins = project_root() / "constraints.txt"
    if pins.is_file():
        others = list(_other_versions(pins.read_text(encoding="utf-8")))
        if others:
            said = f"{len(others)} other versions than constraints.txt: {', '.join(others[:4])}"
            yield Finding("packages", "warning", said, "make env")
        elif not missing:
            yield Finding("packages", "ok", "as in constraints.txt")


def _other_versions(pins: str) -> Iterator[str]:
    for line in pins.splitlines():
        name, is_pin, wanted = line.partition(";")[0].strip().partition("==")
        if not is_pin or line.startswith("#"):
            continue
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # of an extra that nobody asked for
        if found.partition("+")[0] != wanted.partition("+")[0]:
            yield f"{name} {found} (not {wanted})"


def check_machine() -> Iterator[Finding]:
    """Disk, a folder that can be written to, memory, GPU."""
    here = Path.cwd()
    free = shutil.disk_usage(here).free
    enough = free >= LEAST_DISK
    remedy = "" if enough else "free some space, or work in another folder"
    yield Finding("disk", "ok" if enough else "warning", f"{free / 1e9:.1f} GB free in {here}", remedy)
    try:
        tempfile.TemporaryFile(dir=here).close()
    except OSError as error:  # permissions alone say nothing to a superuser, nor of a read-only disk
        said = f"{here} cannot be written to: {error.strerror}"
        yield Finding("folder", "wrong", said, "work in a folder of your own")
    memory = provenance.available_memory()
    enough = memory >= LEAST_MEMORY
    remedy = "" if enough else "end other programs, or train with a smaller --batch-size"
    yield Finding("memory", "ok" if enough else "warning", f"{memory / 1e9:.1f} GB available", remedy)
    if torch.cuda.is_available():
        names = {torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())}
        yield Finding("gpu", "ok", f"{torch.cuda.device_count()} x {', '.join(sorted(names))}")
    else:
        yield Finding("gpu", "ok", "none that torch can use; trainings run on the CPU")


def check_tools() -> Iterator[Finding]:
    """The programs behind MP4 and the tests of pages."""
    try:
        yield Finding("mp4", "ok", f"ffmpeg {imageio_ffmpeg.get_ffmpeg_version()}")
    except (RuntimeError, OSError) as error:
        yield Finding(
            "mp4", "warning", f"no ffmpeg ({error})", "pip install --force-reinstall imageio-ffmpeg; GIFs work without"
        )

    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    yield Finding("browser", "ok", browser or "none; only the tests of the dashboard's pages need one")


def check_files() -> Iterator[Finding]:
    """Datasets and models here, and the shipped model."""
    data = Path("data")
    made = [DEMO_DATA] if DEMO_DATA.is_file() else []  # what trainings take where there is no other
    for path in [*(sorted(data.rglob("*.h5")) if data.is_dir() else []), *made]:
        try:
            store = PatternStore(path)
            store.batch([0, len(store) - 1])
            yield Finding(
                "dataset", "ok", f"{path}: {len(store)} patterns of {store.side} x {store.side}, {store.digest[:8]}"
            )
        except StoreError as error:
            said, _, remedy = str(error).rpartition("; ")
            yield Finding("dataset", "wrong", said, remedy)
    for folder in dict.fromkeys((SHIPPED, model_folder(None))):
        try:
            model = TransitionModel.load(folder)
            transition_from_seed(model, "p1", "p6m", seed=0, n_frames=2)
            name = "the shipped model" if folder == SHIPPED else str(folder)
            yield Finding("model", "ok", f"{name}: {model.resolution} samples, makes transitions")
        except (ValueError, RuntimeError, FileNotFoundError) as error:
            remedy = "install the package again" if folder == SHIPPED else "train the ODE again, or remove the folder"
            yield Finding("model", "wrong", str(error), remedy)


def check_ports() -> Iterator[Finding]:
    """The ports that servers take if no other is given."""
    taken = [port for port in PORTS if _is_taken(port)]
    for port in taken:
        said = f"{port} is taken by {provenance.listener(port)}: {PORTS[port]} needs another"
        yield Finding("port", "warning", said, f"{PORTS[port]} --port {port + 10}")
    if not taken:
        yield Finding("ports", "ok", f"{', '.join(map(str, PORTS))} are free")


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    check_versions, check_machine, check_tools, check_store, check_files, check_ports,
)  # fmt: skip
