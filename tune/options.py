"""What was asked for on the command line, and the file in a search's folder that remembers it for a resume.

Plain data; finds datasets and trained VAEs by their default places. Knows no Ray and no MLflow.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from tune.phases import Phase, chosen_phases
from tune.placement import Resources
from tune.places import DATA, DEMO_DATA, DEMO_VAE, STORAGE, VAE_RUNS
from tune.study import DATABASE
from wallpaper import provenance
from wallpaper.training.files import read_json, write_json
from wallpaper.training.run_folder import latest_run, new_run_folder

SEARCH = "search.json"
"""File that makes a folder a search's."""

OWNER = "owner"
"""File that says which process is at work on a search."""

MAY_CHANGE = (
    "trials", "time_budget", "gpus", "gpus_per_trial", "cpus_per_trial", "concurrent", "address", "simulate_gpus",
    "storage_path", "resume", "retry_failed", "pictures", "register", "dry_run",
)  # fmt: skip
"""Options that a resumed search may have anew; where and how long, but not what."""


@dataclass(frozen=True, slots=True)
class Options:
    """Everything that can be asked for; empty text and 0 stand for a default."""

    phase: str = "both"
    data: str = ""
    vae: str = ""
    preset: str = "laptop"
    trials: int = 8
    time_budget: str = ""
    epochs: int = 0
    gpus: int = 0
    gpus_per_trial: float = 1.0
    cpus_per_trial: int = 1
    concurrent: int = 0
    address: str = ""
    simulate_gpus: bool = False
    sampler: str = "tpe"
    scheduler: str = "asha"
    objectives: str = ""
    space: str = ""
    points: str = ""
    warm_start: str = ""
    seed: int = 0
    name: str = ""
    storage_path: Path = STORAGE
    resume: str = ""
    retry_failed: bool = False
    pictures: bool = True
    register: bool = True
    dry_run: bool = False

    @property
    def phases(self) -> tuple[Phase, ...]:
        """What is searched, in order."""
        return chosen_phases(self.phase)

    @property
    def resources(self) -> Resources:
        """What the trials may use."""
        return Resources(
            self.gpus, self.gpus_per_trial, self.cpus_per_trial, self.concurrent, self.address, self.simulate_gpus
        )

    def resources_of(self, phase: Phase) -> Resources:
        """What a phase's trials may use: only VAEs are trained on several GPUs together."""
        return self.resources if phase.name == "vae" else self.resources.for_one_device()

    def check(self) -> None:
        """Raises: ValueError: options that exclude each other, or ask for what this machine has not."""
        if self.vae and self.phase != "ode" and not self.resume:
            raise ValueError(f"--vae is the frozen VAE of --phase ode, but --phase is {self.phase}, which trains VAEs")
        if self.retry_failed and not self.resume:
            raise ValueError("--retry-failed needs --resume NAME: the search whose failed trials shall run again")
        if self.resume and (self.name or self.warm_start):
            given = "--name" if self.name else "--warm-start"
            raise ValueError(f"--resume {self.resume} goes on with a search, but {given} is for a new one")
        if self.name and Path(self.name).name != self.name:
            raise ValueError(f"`--name` must be a folder's name without a path, but got {self.name!r}")
        self.resources.check()
        seconds(self.time_budget)

    def to_mapping(self) -> dict[str, Any]:
        """Plain data."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}


def resumed(folder: Path, given: Options, typed: Collection[str]) -> Options:
    """The options of the search in `folder`, with those of `given` that were `typed` and may change.

    Raises: ValueError: another one was typed, and differs.
    """
    found = read_json(folder / SEARCH)
    saved = dict(found["options"]) if isinstance(found, dict) else {}
    saved["storage_path"] = Path(saved["storage_path"])
    old = Options(**{field.name: saved[field.name] for field in fields(Options) if field.name in saved})
    for name in typed:
        if name not in MAY_CHANGE and getattr(given, name) != getattr(old, name):
            raise ValueError(
                f"--{name.replace('_', '-')} of a search cannot change when it is resumed: {folder.name} has "
                f"{getattr(old, name)!r}, but got {getattr(given, name)!r}; start a new search with --warm-start"
            )
    always = {"resume": given.resume, "retry_failed": given.retry_failed, "dry_run": given.dry_run, "name": folder.name}
    changed = {name: getattr(given, name) for name in typed if name in MAY_CHANGE}
    return replace(old, **{**changed, **always})


def save(folder: Path, options: Options, plan: Mapping[str, Any]) -> None:
    """Remember the options and what was made of them."""
    write_json(folder / SEARCH, {"options": options.to_mapping(), **plan})


def take(folder: Path) -> None:
    """Note that this process is at work on the search. Raises: ValueError: another one is."""
    place = folder / OWNER
    if place.is_file():
        host, _, process = place.read_text(encoding="utf-8").partition("\n")
        if host == provenance.host() and process != provenance.process() and provenance.is_alive(process):
            raise ValueError(f"search {folder.name} must not be running, but process {process.split()[0]} is at it")
    place.write_text(f"{provenance.host()}\n{provenance.process()}", encoding="utf-8")


def new_folder(root: Path, name: str) -> Path:
    """A new folder, absolute: its name is given, or the time. Raises: FileExistsError: a search has it already."""
    if not name:
        return new_run_folder(root.absolute())
    folder = root.absolute() / name
    folder.mkdir(parents=True, exist_ok=True)
    begun = [path for path in folder.iterdir() if path.name != OWNER and path.suffix != ".tmp"]
    if begun:  # else a process was killed before it had written down what to go on with
        raise FileExistsError(f"{folder} must not be there yet; choose another --name, or go on with --resume {name}")
    return folder


def search_folder(root: Path, name: str) -> Path:
    """The folder of an earlier search: its name, its path, or last. Raises: FileNotFoundError: no such search."""
    files = sorted(root.absolute().glob(f"*/{SEARCH}"), key=lambda path: path.stat().st_mtime_ns)
    found = {path.parent.name: path.parent for path in files}
    if name == "last" and found:
        return list(found.values())[-1]
    for folder in (found.get(name), Path(name).absolute()):
        if folder is not None and (folder / SEARCH).is_file():
            return folder
    known = f"; there are {', '.join(list(found)[-5:])}" if found else ""
    raise FileNotFoundError(f"{name!r} must be a search in {root}, or last, but is none{known}")


def warm_database(root: Path, name: str, phase: str) -> Path | None:
    """The study that a phase learns from: of a search's name or folder, or a database's path; None if it has none.

    Raises: FileNotFoundError: neither.
    """
    if Path(name).is_file():
        return Path(name)
    folder = search_folder(root, name)
    return next((path for path in [folder / phase / DATABASE] if path.is_file()), None)


def find_data(given: str) -> Path:
    """The dataset to train on. Raises: FileNotFoundError: none there."""
    for path in [Path(given)] if given else [DATA, DEMO_DATA]:
        if path.is_file():
            return path
    where = f"`--data {given}` is no file" if given else f"no dataset at {DATA} or {DEMO_DATA}"
    raise FileNotFoundError(f"{where}; make one with `wallpaper generate` or `wallpaper demo`, or name it with --data")


def find_vae(given: str) -> Path:
    """Folder of the VAE whose latents are used. Raises: FileNotFoundError: none there."""
    for root in [Path(given)] if given else [VAE_RUNS, DEMO_VAE]:
        found = latest_run(root)
        if found is not None:
            return found
    where = f"`--vae {given}` holds no trained VAE" if given else f"no trained VAE below {VAE_RUNS} or in {DEMO_VAE}"
    raise FileNotFoundError(f"{where}; train one with `wallpaper train-vae` or `wallpaper demo`, or name it with --vae")


def seconds(text: str) -> float:
    """A time like 90, 30m or 1.5h, in seconds; infinite if empty. Raises: ValueError: no time."""
    if not text:
        return float("inf")
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+)\s*([smh]?)", text.strip())
    if match is None or float(match[1]) == 0:
        raise ValueError(f"`--time-budget` must be a time above 0 like 90s, 30m or 1.5h, but got {text!r}")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]
