"""`wallpaper doctor`: is everything there that the commands need, and what to do where it is not.

Each check is a function that gives a finding; none changes anything. MLflow is asked only by its database's file, so
that a broken or missing MLflow can be told too.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import shutil
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal
from urllib.error import URLError
from urllib.request import urlopen

import click
import imageio_ffmpeg
import torch

from wallpaper.checkout import project_root
from wallpaper.data import PatternStore, StoreError
from wallpaper.journal import find
from wallpaper.models.transition_model import TransitionModel
from wallpaper.redaction import without_passwords

Verdict = Literal["ok", "warning", "wrong"]

LEAST_DISK = 2 * 10**9
"""Bytes: a dataset of the preset `champion` and a training's checkpoints."""

PORTS = {5000: "mlflow ui", 5001: "wallpaper serve", 8080: "wallpaper dashboard"}

APPLICATIONS = ("mlflow", "ray", "optuna", "nicegui", "plotly")

SHIPPED = Path(__file__).parents[1] / "shipped"

MARKS: dict[str, tuple[str, str]] = {"ok": ("ok", "green"), "warning": ("warning", "yellow"), "wrong": ("wrong", "red")}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check says."""

    subject: str
    verdict: Verdict
    said: str
    remedy: str = ""


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(as_json: bool) -> None:
    """Check what the commands need here: versions, store, datasets, models, GPU, ports, tools; say what to do.

    A warning can be lived with; what is wrong makes some command fail, and the exit code 1. Nothing is changed.

    \b
    Examples:
      wallpaper doctor
      wallpaper doctor --json | jq '.[] | select(.verdict != "ok")'
    """
    findings = [finding for check in CHECKS for finding in check()]
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        for finding in findings:
            word, colour = MARKS[finding.verdict]
            click.echo(f"{click.style(f'{word:8}', fg=colour)} {finding.subject:12} {finding.said}")
            if finding.remedy:
                click.echo(f"{'':21} -> {finding.remedy}")
    sys.exit(any(finding.verdict == "wrong" for finding in findings))


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
    """Disk, a folder that can be written to, GPU, and the tool behind MP4."""
    here = Path.cwd()
    free = shutil.disk_usage(here).free
    enough = free >= LEAST_DISK
    remedy = "" if enough else "free some space, or work in another folder"
    yield Finding("disk", "ok" if enough else "warning", f"{free / 1e9:.1f} GB free in {here}", remedy)
    if not os.access(here, os.W_OK):
        yield Finding("folder", "wrong", f"{here} cannot be written to", "work in a folder of your own")
    if torch.cuda.is_available():
        names = {torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())}
        yield Finding("gpu", "ok", f"{torch.cuda.device_count()} x {', '.join(sorted(names))}")
    else:
        yield Finding("gpu", "ok", "none that torch can use; trainings run on the CPU")
    try:
        yield Finding("mp4", "ok", f"ffmpeg {imageio_ffmpeg.get_ffmpeg_version()}")
    except RuntimeError as error:
        yield Finding(
            "mp4", "warning", f"no ffmpeg ({error})", "pip install --force-reinstall imageio-ffmpeg; GIFs work without"
        )


def check_store() -> Iterator[Finding]:
    """The MLflow store, as far as it can be told without MLflow; and what still waits to be sent to it."""
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{project_root() / 'mlflow.db'}"
    if uri.startswith("sqlite:///"):
        yield _database(Path(uri.removeprefix("sqlite:///")).absolute())
    elif uri.startswith(("http://", "https://")):
        yield _server(uri)
    else:
        yield Finding("store", "ok", f"{without_passwords(uri)} (not asked)")
    waiting = find([project_root() / "output"])
    if waiting:
        yield Finding("journals", "warning", f"{len(waiting)} runs have records that are not sent", "wallpaper sync")


def _database(path: Path) -> Finding:
    if not path.exists():
        return Finding("store", "ok", f"{path} will be made by the first run")
    try:
        with sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=2) as database:
            (whole,) = database.execute("PRAGMA quick_check(1)").fetchone()
            database.execute("BEGIN IMMEDIATE")
            database.rollback()
            (runs,) = database.execute("SELECT count(*) FROM runs").fetchone()
    except sqlite3.OperationalError as error:
        remedy = {
            "database is locked": "another program writes to it and does not end: find it with `fuser`, or wait",
            "no such table: runs": "it is no MLflow database: set MLFLOW_TRACKING_URI to another file",
        }.get(str(error), "see that the file can be written to by you")
        return Finding("store", "wrong", f"{path}: {error}", remedy)
    except sqlite3.DatabaseError as error:
        return Finding("store", "wrong", f"{path}: {error}", "restore a copy, or move it away: a new one is made")
    if whole != "ok":
        return Finding("store", "wrong", f"{path} is damaged: {whole}", "restore a copy, or `sqlite3 FILE .recover`")
    return Finding("store", "ok", f"{path}, {runs} runs")


def _server(uri: str) -> Finding:
    try:
        with urlopen(f"{uri.rstrip('/')}/health", timeout=3) as answer:
            return Finding("store", "ok", f"{without_passwords(uri)} answers ({answer.status})")
    except (URLError, OSError, ValueError) as error:
        remedy = "start it (`mlflow server`); what runs record meanwhile is sent by `wallpaper sync`"
        return Finding("store", "wrong", f"{without_passwords(uri)} does not answer: {error}", remedy)


def check_files() -> Iterator[Finding]:
    """Datasets and models here, and the shipped model."""
    data = Path("data")
    for path in sorted(data.rglob("*.h5")) if data.is_dir() else []:
        try:
            store = PatternStore(path)
            store.batch([0, len(store) - 1])
            yield Finding(
                "dataset", "ok", f"{path}: {len(store)} patterns of {store.side} x {store.side}, {store.digest[:8]}"
            )
        except StoreError as error:
            said, _, remedy = str(error).rpartition("; ")
            yield Finding("dataset", "wrong", said, remedy)
    folders = [SHIPPED, *sorted(path.parent for path in Path("output").glob("ode/*/model/model.json"))[-1:]]
    for folder in folders:
        try:
            model = TransitionModel.load(folder)
            name = "the shipped model" if folder == SHIPPED else str(folder)
            yield Finding("model", "ok", f"{name}: {model.resolution} samples, {model.vae.latent_dim} latents")
        except (ValueError, FileNotFoundError) as error:
            remedy = "install the package again" if folder == SHIPPED else "train the ODE again, or remove the folder"
            yield Finding("model", "wrong", str(error), remedy)


def check_ports() -> Iterator[Finding]:
    """The ports that servers take if no other is given."""
    taken = [port for port in PORTS if _is_taken(port)]
    for port in taken:
        yield Finding(
            "port", "warning", f"{port} is taken: {PORTS[port]} needs another", f"{PORTS[port]} --port {port + 10}"
        )
    if not taken:
        yield Finding("ports", "ok", f"{', '.join(map(str, PORTS))} are free")


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    check_versions, check_machine, check_store, check_files, check_ports,
)  # fmt: skip
