"""Where runs are kept: the checkout's own store, unless the environment names another; a new database is made whole."""

from __future__ import annotations

import os
import re
import sqlite3
import sys
from pathlib import Path

import mlflow  # noqa: F401  # first, as in every program: it loads the plug-in itself
import pytest
from mlflow.store.db import utils
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError

from wallpaper import mlflow_plugin, store_address


def test_the_store_is_in_the_checkout_unless_a_server_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout = Path(mlflow_plugin.__file__).resolve().parent.parent
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    assert store_address.tracking_uri() == f"sqlite:///{checkout / 'mlflow.db'}"
    (tmp_path / "MLproject").write_text("name: wallpaper\n")
    assert store_address.tracking_uri() == f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///other.db")
    assert store_address.tracking_uri() == f"sqlite:///{tmp_path / 'other.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracker:5000")
    assert store_address.tracking_uri() == "http://tracker:5000"
    assert mlflow_plugin.artifact_location("http://tracker:5000") is None


def test_a_database_that_another_program_makes_meanwhile_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "mlflow.db"

    def make(engine: Engine) -> None:
        Path(str(engine.url.database)).write_text("ours")
        database.write_text("another's")

    monkeypatch.setattr(utils, "_initialize_tables", make)
    mlflow_plugin._make_database(f"sqlite:///{database}")
    assert database.read_text() == "another's"
    assert os.listdir(tmp_path) == ["mlflow.db"]


def test_a_database_that_cannot_be_made_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise OperationalError("CREATE TABLE", {}, sqlite3.OperationalError("database or disk is full"))

    monkeypatch.setattr(utils, "_initialize_tables", fail)
    with pytest.raises(mlflow_plugin.TrackingError, match=r"mlflow\.db cannot be made: .*disk is full"):
        mlflow_plugin.open_store(f"sqlite:///{tmp_path / 'mlflow.db'}")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("foo://bar", "of foo://bar: it is none that MLflow records in: use sqlite:///FILE"),
        ("sqlite:////nowhere/mlflow.db", "its folder is not there: mkdir -p /nowhere"),
        ("mysql://ada:secret@127.0.0.1:1/x", "mysql://127.0.0.1:1/x gives: its driver MySQLdb is not installed"),
        ("postgresql+psycopg2://ada:secret@127.0.0.1:1/x", "Connection refused"),
    ],
)
def test_an_address_that_cannot_be_used_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, address: str, said: str
) -> None:
    monkeypatch.setitem(sys.modules, "MySQLdb", None)
    with pytest.raises(mlflow_plugin.TrackingError, match=re.escape(said)) as caught:
        mlflow_plugin.open_store(address)
    assert "secret" not in str(caught.value)


def test_an_own_database_that_cannot_be_written_is_not_answered_by_its_own_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "MLproject").write_text("name: wallpaper\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mlflow_plugin, "_make_database", lambda _: (_ for _ in ()).throw(OSError("read-only")))
    with pytest.raises(mlflow_plugin.TrackingError, match="can be written to by you, or set the variable to another"):
        mlflow_plugin.open_store(f"sqlite:///{tmp_path / 'mlflow.db'}")
