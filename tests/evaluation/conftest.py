"""One tiny dataset and what the evaluation finds on it, for all tests of the folder."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from tests.once import once
from tests.tiny import SIDE, tiny_model
from wallpaper.data import PatternStore, generate_dataset
from wallpaper.evaluation import Evaluation, evaluate
from wallpaper.models.transition_model import TransitionModel

NEVER_TRAINED = ((0, 3), (16, 2), (5, 6))


@pytest.fixture(scope="session")
def model() -> TransitionModel:
    return tiny_model()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> PatternStore:
    return generate_dataset(tmp_path_factory.mktemp("evaluation") / "patterns.h5", 14, side=SIDE, workers=1)


@pytest.fixture(scope="session")
def found(model: TransitionModel, store: PatternStore, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    def make(folder: Path) -> None:
        (folder / "found").write_bytes(pickle.dumps(evaluate(model, store, never_trained=NEVER_TRAINED)))

    evaluation = pickle.loads((once(tmp_path_factory, "evaluated", make) / "found").read_bytes())
    assert isinstance(evaluation, Evaluation)
    return evaluation
