"""Where runs are kept: the checkout's own store, unless the environment names another."""

from __future__ import annotations

from pathlib import Path

import mlflow  # noqa: F401  # first, as in every program: it loads the plug-in itself
import pytest

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
