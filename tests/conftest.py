"""What all tests share: steady property tests, one thread a worker, and nothing of the user's in reach.

`HYPOTHESIS_PROFILE=thorough` draws more and new examples.
"""

from __future__ import annotations

import gc
import itertools
import os
import signal
from collections.abc import Iterator
from pathlib import Path

# Before the libraries that read them are imported.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MPLBACKEND"] = "Agg"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["DO_NOT_TRACK"] = "true"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

import hypothesis
import pytest
import torch

from wallpaper.plane import PLANE_GROUPS

torch.set_num_threads(1)

hypothesis.settings.register_profile("steady", deadline=None, max_examples=20, derandomize=True)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=500, derandomize=False)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

ALL_GROUPS = pytest.mark.parametrize("group", PLANE_GROUPS.values(), ids=lambda group: group.name)
"""Run a test once for each of the 17 `PlaneGroup`s, as its argument `group`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that may take minutes begin first: nobody then waits for them in the end."""
    items.sort(key=lambda item: -max((mark.args[0] for mark in item.iter_markers("timeout")), default=0))


def pytest_collection_finish() -> None:
    """What is imported stays: the garbage collector need not walk through it again, which NiceGUI's tests have it do
    after each of them."""
    gc.collect()
    gc.freeze()


_STORES = itertools.count()


@pytest.fixture(scope="session")
def _tracking_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tracking")


@pytest.fixture(autouse=True)
def _own_tracking_store(_tracking_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point MLflow at a store of this test's own: the checkout's and the user's are out of reach."""
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{_tracking_folder / f'{next(_STORES)}.db'}")


@pytest.fixture(autouse=True)
def _interruptible() -> Iterator[None]:
    """Ctrl-C as a terminal has it: what a script starts in the background ignores SIGINT, and its children too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
