"""The examples in the dashboard's docstrings."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = ("theme", "views.text", "views.progress", "views.loss", "views.epochs", "views.overview", "store.artifacts")


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name: str) -> None:
    found = doctest.testmod(importlib.import_module(f"dashboard.{name}"))
    assert found.attempted
    assert not found.failed
