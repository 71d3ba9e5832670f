"""A tracking store as a project has it after some weeks, made by the library's own recording in seconds.

A training that has ended with the pictures of an epoch, a search, two registered versions, and a training that goes on.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from dashboard.making.models import SHIPPED_FOLDER
from serving.register import register
from tests.serving.test_gates import GOOD
from tests.tiny import tiny_model
from wallpaper import tracking
from wallpaper.data import generate_dataset
from wallpaper.epoch_pictures.places import SNAPSHOT, VISUALIZATIONS, Order
from wallpaper.epoch_pictures.worker import answer
from wallpaper.models.transition_model import TransitionModel
from wallpaper.training.checkpoint import save_checkpoint
from wallpaper.training.report import Row, write_history

EPOCHS, LIVE_EPOCHS = 24, 40

PER_GROUP = 10
"""Patterns behind an epoch's pictures; two of each group are held out."""

MODEL = "wallpaper-transition"


@dataclass(slots=True)
class Filled:
    """The store, the run in it that goes on, and one that has ended."""

    uri: str
    trained: str
    """Id of the run whose epoch has pictures."""
    live: tracking.Run
    epoch: int = 0
    """Of the run that goes on."""

    def train(self, epochs: int) -> int:
        """The run that goes on reports some more epochs. Returns: the last."""
        for _ in range(epochs):
            self.epoch += 1
            self.live.log(losses(self.epoch), self.epoch)
        return self.epoch


@contextmanager
def filled(folder: Path) -> Iterator[Filled]:
    """Make it; on leaving, the run that goes on ends."""
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MLFLOW_TRACKING_URI", uri)
        tracking.initialise()
        _search()
        _versions(folder)
        trained = _trained(folder)
        live = tracking.start("tonight", phase="train_vae", config={"epochs": LIVE_EPOCHS, "beta": 1.0})
    made = Filled(uri, trained, live)
    made.train(3)
    yield made
    live.end("FINISHED")


def losses(epoch: int, beta: float = 1.0) -> Row:
    """What a training reports of an epoch: falling, with some noise."""
    noise = 1 + 0.06 * math.sin(2.3 * epoch) + 0.04 * math.sin(11.7 * epoch)
    terms = {"reconstruction": 90 * math.exp(-epoch / 7) + 12, "kl": beta * (6 - 4 / epoch), "invariance": 3 / epoch}
    row = {f"train/{name}": value * noise for name, value in terms.items()}
    row |= {"train/loss": sum(row.values()), "val/loss": 1.1 * sum(terms.values())}
    return row | {"val/psnr": 14 + 6 * (1 - math.exp(-epoch / 9)), "learning_rate": 1e-3 / epoch, "seconds": 2.0}


def _trained(folder: Path) -> str:
    """Id of a training that has ended; the pictures of its last epoch show the shipped model's VAE."""
    own, data = folder / "vae", folder / "patterns.h5"
    vae = TransitionModel.load(SHIPPED_FOLDER).vae
    generate_dataset(data, PER_GROUP, side=vae.resolution)
    own.mkdir()
    write_history(own, [{"epoch": epoch, "epochs": EPOCHS, **losses(epoch)} for epoch in range(1, EPOCHS + 1)])
    order = Order("vae", EPOCHS, own, data)
    save_checkpoint(order.target, SNAPSHOT, weights=vae.state_dict(), state={}, meta={"vae": dict(vae.settings)})
    said = answer(json.dumps(order.to_mapping()))
    assert "error" not in said, said
    with tracking.start("first night", phase="train_vae", config={"epochs": EPOCHS, "beta": 1.0}) as run:
        for epoch in range(1, EPOCHS + 1):
            run.log(losses(epoch), epoch)
        run.artifact(order.target.parent, VISUALIZATIONS)
    return run.run_id


def _search() -> None:
    """Six trials of two settings."""
    with tracking.start("rates", phase="search", config={"trials": 6}, tags={"search.objectives": "psnr"}) as parent:
        for number in range(6):
            config = {"beta": 10.0 ** (-number / 2), "learning_rate": 3e-4 * (1 + number % 3), "epochs": 3}
            about = {"search.trial": f"{number:03d}", **({"stopped_early": "true"} if number == 4 else {})}
            name = f"trial {number}"
            with tracking.start(name, phase="train_vae", parent=parent.run_id, config=config, tags=about) as trial:
                for epoch in (1, 2, 3):
                    trial.log(losses(epoch, config["beta"]) | {"objective": 18 + epoch - abs(number - 3) / 2}, epoch)


def _versions(folder: Path) -> None:
    """The champion, and a challenger that a gate keeps from its place."""
    registered = register(tiny_model("palette").save(folder / "model"))
    client = tracking.initialise().client
    first = client.get_model_version(MODEL, registered.version)
    worse = {**GOOD, "psnr_test": GOOD["psnr_test"] - 1}
    for name, value in GOOD.items():
        client.set_model_version_tag(MODEL, first.version, f"eval.{name}", repr(value))
    client.set_model_version_tag(MODEL, first.version, "eval.data", "d")
    tags = {f"eval.{name}": repr(value) for name, value in worse.items()}
    second = client.create_model_version(MODEL, first.source, first.run_id, tags={**tags, "eval.data": "d"})
    client.set_registered_model_alias(MODEL, "challenger", second.version)
