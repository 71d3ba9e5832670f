from __future__ import annotations

from wallpaper.evaluation.work import Work


def test_parts_move_by_their_shares_and_never_back() -> None:
    moves: list[tuple[int, int]] = []
    work = Work({"short": 1, "long": 3, "unused": 4}, lambda done, total: moves.append((done, total)))
    first, second = work.part("short", 2), work.part("long", 3)
    first()
    second()
    first()
    first()  # beyond its steps
    second()
    work.finish()
    assert moves == [(6, 100), (19, 100), (25, 100), (38, 100), (100, 100)]
