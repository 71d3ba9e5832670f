"""The two training phases and the evaluation as jobs: with a progress bar, a clean stop and a tracked run.

What `train-vae`, `train-ode`, `evaluate` and `demo` share. Knows no options and no defaults.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from wallpaper import tracking
from wallpaper.cli.places import MODEL
from wallpaper.cli.progress import bar
from wallpaper.data import Latents, PatternStore, RealTransitionDataset, cached_latents
from wallpaper.epoch_pictures import EpochPictures
from wallpaper.evaluation import Evaluation, evaluate, evaluate_vae, weights_of, write_record
from wallpaper.models.transition_model import TransitionModel
from wallpaper.models.vae import SymmetryVAE
from wallpaper.training.checkpoint import LAST, load_checkpoint, weights_digest
from wallpaper.training.ode_config import OdeConfig
from wallpaper.training.ode_loop import OdeResult, fit_ode
from wallpaper.training.ode_pairs import coupling_of, held_out_batch
from wallpaper.training.report import Report, to_all
from wallpaper.training.stopping import StopRequest
from wallpaper.training.vae_config import VaeConfig
from wallpaper.training.vae_loop import VaeResult, fit_vae, load_vae
from wallpaper.training.whole_model import never_trained_pairs, whole_model

EVALUATION = "evaluation.json"

SHOWN = {
    "train/loss": "loss",
    "val/psnr": "PSNR (dB)",
    "val/flow": "flow loss",
    "val/wasserstein2": "W2",
    "val/variance_ratio": "variance ratio",
}
"""What `epoch_line` shows of a row, and how it is called there."""


@dataclass(frozen=True, slots=True)
class Coded:
    """A dataset seen through a VAE."""

    vae: SymmetryVAE
    folder: Path
    """Of the VAE's training."""
    digest: str
    """Of the VAE's weights."""
    store: PatternStore
    latents: Latents


def choose_device(name: str) -> str:
    """The device called `name`; "auto" is a GPU if there is one. Raises: ValueError: not on this machine."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if not re.fullmatch(r"cpu|cuda(:\d+)?", name):
        raise ValueError(f"`--device` must be auto, cpu, cuda or cuda:1 and so on, but got {name!r}")
    if name != "cpu" and int(name.partition(":")[2] or 0) >= torch.cuda.device_count():
        raise ValueError(f"`--device {name}` needs a GPU that torch can use, but there is none such; use cpu or auto")
    return name


def train_vae_job(
    config: VaeConfig,
    store: PatternStore,
    folder: Path,
    run: tracking.Run,
    *,
    resume: bool,
    fit: Callable[..., VaeResult] = fit_vae,
    also: Report | None = None,
    pictures: bool = True,
) -> VaeResult:
    """Train the VAE in `folder` by `fit` and record it in `run`; `also` gets the rows too.

    Args: pictures: draw every `config.log_every` epochs.
    """
    run.dataset(store.path, digest=store.digest)
    if resume:
        _catch_up(run, folder)
    with EpochPictures(
        "vae", folder, store.path, run, every=config.log_every, resume=resume, pictures=pictures
    ) as drawn:
        with StopRequest() as stop, bar("VAE", "batches") as move:
            reports: list[Report] = [
                run.reporter(),
                lambda row: move.note(epoch_line(row)),
                drawn,
                *([also] if also else []),
            ]
            result = fit(config, store, folder, report=to_all(*reports), progress=move, resume=resume, stop=stop)
        keep_training(run, folder)
        _wait_for(drawn)
    return result


def train_ode_job(
    config: OdeConfig,
    coded: Coded,
    folder: Path,
    run: tracking.Run,
    *,
    resume: bool,
    device: str,
    also: Report | None = None,
    pictures: bool = True,
) -> OdeResult:
    """Train the ODE in `folder` on a frozen VAE's latents, record it, and put the whole model into `folder`/model."""
    with EpochPictures(
        "ode", folder, coded.store.path, run, every=config.log_every, vae=coded.folder, resume=resume, pictures=pictures
    ) as drawn:
        result = _train_ode(config, coded, folder, run, resume=resume, device=device, also=also, drawn=drawn)
        _wait_for(drawn)
    return result


def _catch_up(run: tracking.Run, folder: Path) -> None:
    """Epochs are in the checkpoint before they are recorded: a kill between the two would leave a gap."""
    run.catch_up(load_checkpoint(folder, LAST).meta.get("loop", {}).get("history", []))


def _wait_for(drawn: EpochPictures) -> None:
    """The pictures that are still being drawn, the last epoch's among them."""
    with bar("drawing", "sets of pictures") as move:
        drawn.finish(move)


def _train_ode(
    config: OdeConfig,
    coded: Coded,
    folder: Path,
    run: tracking.Run,
    *,
    resume: bool,
    device: str,
    also: Report | None,
    drawn: Report,
) -> OdeResult:
    run.dataset(coded.store.path, digest=coded.store.digest)
    if resume:
        _catch_up(run, folder)
    run.tag("vae.digest", coded.digest)
    splits = coded.store.splits
    train, held_out = coded.latents.take(splits["train"]), coded.latents.take(splits["val"])
    same = None
    if config.transition_mode != "cross":
        same = RealTransitionDataset(
            train, mode="same", codec=coded.vae, seed=config.seed, pairs_per_epoch=config.pairs_per_epoch
        )
    coupling = couple(config, coded)
    with StopRequest() as stop, bar("ODE", "batches") as move:
        reports = [run.reporter(), lambda row: move.note(epoch_line(row)), drawn, *([also] if also else [])]
        result = fit_ode(
            config, train, held_out, folder,
            same_pairs=same, painter=coded.vae, coupling_cache=coupling,
            vae_info={"digest": coded.digest, "folder": str(coded.folder.absolute())},
            report=to_all(*reports), progress=move, resume=resume, stop=stop, device=device,
        )  # fmt: skip
    model = whole_model(
        coded.vae, result.ode, config, vae_digest=coded.digest, data_digest=coded.store.digest, run_id=run.run_id
    )
    model.save(folder / MODEL)
    keep_training(run, folder)
    run.artifact(folder / MODEL, MODEL)
    return result


def couple(config: OdeConfig, coded: Coded) -> Path:
    """The file of the training latents' coupling, the held-out ones' beside it; made if they are not there yet."""
    path = coded.folder / "latents" / f"coupling-{config.coupling}.npz"
    train, held_out = (coded.latents.take(coded.store.splits[name]) for name in ("train", "val"))
    with bar("coupling", "pairs") as move:
        coupling_of(config, train, painter=coded.vae, cache=path, progress=move)
        held_out_batch(config, held_out, painter=coded.vae, cache=path)
    return path


def encode_job(vae_folder: Path, store: PatternStore) -> Coded:
    """Latents of the whole dataset under a trained VAE, from the cache beside the VAE if they are there."""
    vae = load_vae(vae_folder)
    digest = weights_digest(vae.state_dict())
    with bar("encoding", "patterns") as move:
        latents = cached_latents(store, vae, digest, vae_folder / "latents", side=vae.resolution, progress=move)
    return Coded(vae, vae_folder, digest, store, latents)


def evaluate_job(
    model: TransitionModel, store: PatternStore, folder: Path, run: tracking.Run, *, split: str
) -> Evaluation:
    """Evaluate, write `folder`/evaluation.json and record its figures."""
    with bar("evaluating", "%") as move:
        found = evaluate(model, store, split=split, never_trained=never_trained_pairs(model), progress=move)
    _keep_evaluation(found, folder, run, weights=weights_of(model), data=store.digest)
    return found


def evaluate_vae_job(
    vae: SymmetryVAE, store: PatternStore, folder: Path, run: tracking.Run, *, split: str
) -> Evaluation:
    """The same of a VAE alone."""
    with bar("evaluating", "%") as move:
        found = evaluate_vae(vae, store, split=split, progress=move)
    _keep_evaluation(found, folder, run, weights=weights_of(vae), data=store.digest)
    return found


def _keep_evaluation(found: Evaluation, folder: Path, run: tracking.Run, *, weights: str, data: str) -> None:
    path = folder / EVALUATION
    write_record(path, found, weights=weights, data=data)
    run.log(found.metrics())
    run.artifact(path)


def keep_training(run: tracking.Run, folder: Path) -> None:
    """Record a training folder's settings, history and best checkpoint."""
    for name in ("config.json", "history.json", "best.safetensors", "best.json"):
        if (folder / name).is_file():
            run.artifact(folder / name, "training")


def epoch_line(row: Mapping[str, float | int]) -> str:
    """An epoch's most telling figures, to be shown beside the progress."""
    shown = [f"{text} {row[name]:.4g}" for name, text in SHOWN.items() if name in row]
    return f"epoch {row['epoch']}/{row['epochs']}, {', '.join(shown)}"
