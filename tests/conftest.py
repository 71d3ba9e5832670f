"""What all tests share: steady property tests, one thread a worker, and nothing of the user's in reach.

`HYPOTHESIS_PROFILE=thorough` draws more and new examples.
"""

from __future__ import annotations

import functools
import gc
import inspect
import itertools
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Before the libraries that read them are imported.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MPLBACKEND"] = "Agg"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["DO_NOT_TRACK"] = "true"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

import hypothesis
import pytest
import torch

from tests.once import once
from tests.order import ByFile, longest_first
from wallpaper.plane import PLANE_GROUPS

torch.set_num_threads(1)
gc.disable()  # until all tests are collected: what is imported stays

hypothesis.settings.register_profile("steady", deadline=None, max_examples=20, derandomize=True)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=500, derandomize=False)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

ALL_GROUPS = pytest.mark.parametrize("group", PLANE_GROUPS.values(), ids=lambda group: group.name)
"""Run a test once for each of the 17 `PlaneGroup`s, as its argument `group`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    longest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    config.option.loadscopereorder = False  # by the number of tests, which says nothing of their length
    return ByFile(config, log)


def pytest_collection_finish() -> None:
    """What is imported stays: the garbage collector need not walk through it again, which NiceGUI's tests have it do
    after each of them."""
    gc.collect()
    gc.freeze()
    gc.enable()


_STORES = itertools.count()


@pytest.fixture(scope="session")
def _tracking_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tracking")


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tracking store's SQLite file that nobody has used yet, to be copied: its tables take MLflow seconds."""

    def make(folder: Path) -> None:
        from mlflow.store.db import utils
        from sqlalchemy import create_engine

        engine = create_engine(f"sqlite:///{folder / 'mlflow.db'}")
        inspect.unwrap(utils._initialize_tables)(engine)
        engine.dispose()

    return once(tmp_path_factory, "tables", make) / "mlflow.db"


@pytest.fixture(scope="session", autouse=True)
def _tables_are_made_once(request: pytest.FixtureRequest) -> Iterator[None]:
    """New stores of the tests' own processes are copies of `tables`."""
    if "mlflow" not in sys.modules:  # of the tests to be run none knows it
        yield
        return
    from mlflow.store.db import utils
    from sqlalchemy.engine import Engine

    make = utils._initialize_tables

    @functools.wraps(make)
    def copy(engine: Engine) -> None:
        database = Path(str(engine.url.database))
        if engine.dialect.name != "sqlite" or (database.is_file() and database.stat().st_size):
            make(engine)
        else:
            engine.dispose()
            shutil.copyfile(request.getfixturevalue("tables"), database)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(utils, "_initialize_tables", copy)
        yield


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
