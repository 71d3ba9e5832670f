from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from wallpaper.training.report import read_history, silent, to_all, write_history


def test_history_is_read_back_exactly(tmp_path: Path) -> None:
    rows: list[dict[str, float | int]] = [{"epoch": 1, "train/loss": 0.1 + 0.2}, {"epoch": 2, "train/loss": 1e-300}]
    write_history(tmp_path / "run", rows)
    assert read_history(tmp_path / "run") == rows


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "history.json").write_text('{"epoch": 1}')
    with pytest.raises(ValueError, match=r"history\.json must hold a list of rows, but holds a dict"):
        read_history(tmp_path)


def test_one_report_reaches_all_in_order() -> None:
    heard: list[tuple[str, object]] = []

    def listener(name: str) -> object:
        def report(row: Mapping[str, float | int]) -> None:
            heard.append((name, row["epoch"]))

        return report

    to_all(listener("a"), silent, listener("b"))({"epoch": 7})  # type: ignore[arg-type]
    assert heard == [("a", 7), ("b", 7)]
