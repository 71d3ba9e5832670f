"""The words of Promote and Roll back, and the commands behind them: what they are given, print, and how they end."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.promotion import ROOT, Gate, MoveError, Mover, Outcome, outcome_of
from dashboard.store import VersionRecord
from dashboard.views import promotion as views
from serving.history import Kind, Move, new_move, way_back

HOLDS = Gate("collapsed pairs", "0", "0", True, "train on")
FAILS = Gate("PSNR, test (dB)", "20.00", ">= 24.80", False, "it is worse")


def outcome(now: str, *gates: Gate, version: str = "3", before: str = "2", refused: bool = False) -> Outcome:
    return Outcome("m", version, before, now, refused, gates)


def version(number: int, *aliases: str, name: str = "m", **tags: str) -> VersionRecord:
    found = {f"forced.{key}": text for key, text in tags.items()}
    return VersionRecord(name, number, aliases, "", 0.0, "", found)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (outcome("3", HOLDS), "Version 3 is @champion of m; before it was version 2."),
        (outcome("3", HOLDS, before=""), "Version 3 is @champion of m."),
        (
            outcome("3", HOLDS, FAILS),
            "Version 3 is @champion of m by force, past 1 of 2 gates; before it was version 2.",
        ),
        (outcome("3", before="3"), "Version 3 of m was @champion already; nothing has changed."),
        (outcome("4", HOLDS), "Recorded, but @champion of m was moved later to version 4, where it stays."),
        (
            outcome("2", HOLDS, FAILS, refused=True),
            "Not promoted: @champion of m stays at version 2. 1 of 2 gates does not hold.",
        ),
        (
            outcome("", FAILS, FAILS, before="", refused=True),
            "Not promoted: @champion of m is still no version. 2 of 2 gates do not hold.",
        ),
    ],
)
def test_what_came_of_a_move_is_a_sentence(found: Outcome, said: str) -> None:
    assert views.came_of(found) == said


STEPS = st.lists(st.tuples(st.sampled_from(["promote", "set", "rollback"]), st.sampled_from("1234")), max_size=8)


@given(steps=STEPS, existing=st.sets(st.sampled_from("1234"), min_size=1))
def test_where_a_rollback_goes_is_told_as_the_registry_decides_it(
    steps: list[tuple[Kind, str]], existing: set[str]
) -> None:
    moves: list[Move] = []
    holder = ""
    for kind, number in steps:
        moves.append(new_move("champion", number, kind, before=holder, by="somebody", after=moves))
        holder = number
    tags = dict(move.tag() for move in [*moves, new_move("challenger", "9", "set", before="", by="x", after=moves)])
    versions = [
        replace(version(int(number), *(["champion"] * (number == holder))), model_tags=tags)
        for number in existing | set(filter(None, [holder]))
    ]
    path = way_back(moves, holder, {str(each.version) for each in versions})
    for each in versions:
        if str(each.version) == holder:
            assert views.champion_before(each, versions) == (path[-2] if len(path) > 1 else "")


@pytest.mark.parametrize("text", ["nonsense", "[]", '{"alias": 1}', '{"alias": "champion"}'])
def test_a_move_that_cannot_be_read_tells_of_no_champion_before(text: str) -> None:
    odd = replace(version(2, "champion"), model_tags={"move.1": text})
    assert views.champion_before(odd, [odd, version(1)]) == ""


def test_what_a_move_would_do_is_said_before_it_is_done() -> None:
    first = views.if_promoted("m", "1", "")
    assert first.startswith("Version 1 becomes @champion of m. Servers of models:/m@champion that are started")
    assert first.endswith("It is the first.")
    assert views.if_rolled_back("m", "3").startswith(
        "The version that was champion before becomes @champion of m again"
    )
    known = views.if_rolled_back("m", "3", "2")
    assert known.startswith("Version 2 becomes @champion of m again, in place of version 3; no gate is asked")
    assert known.endswith("Version 3 stays registered and can be promoted again.")
    assert views.gates_say(outcome("2", HOLDS, HOLDS)) == "All 2 gates hold."


def test_who_is_champion_and_who_was_forced_to_be() -> None:
    versions = [version(2, "champion", name="other"), version(3, "challenger"), version(1, "champion", "old")]
    assert [views.champion_of(name, versions) for name in ("m", "other", "none")] == ["1", "2", ""]
    assert views.by_force(version(1)) == ""
    forced = version(1, by="Ada (a@b)", at="2026-01-01T00:00:00+00:00", reason="broken", gates="PSNR")
    assert views.by_force(forced) == (
        "Made champion by force by Ada (a@b), 2026-01-01T00:00:00+00:00: broken. Past: PSNR."
    )


def test_a_real_command_s_refusal_is_one_sentence(tmp_path: Path) -> None:
    mover = Mover(f"sqlite:///{tmp_path / 'mlflow.db'}")
    with pytest.raises(MoveError, match=r"^Invalid value for '--name': must hold neither / nor :, but got 'a/b'$"):
        asyncio.run(mover.try_roll_back("a/b"))
    mover.stop()


def test_what_is_typed_reaches_the_command_as_one_word(monkeypatch: pytest.MonkeyPatch) -> None:
    typed: list[list[str]] = []

    def run(_: Mover, words: Sequence[str]) -> tuple[int, str, str]:
        typed.append(list(words))
        return 2, "", "Error: no"

    monkeypatch.setattr(Mover, "_run", run)
    with pytest.raises(MoveError, match=r"^no$"):
        asyncio.run(Mover("x").promote("m", 3, force=True, reason=" --name=other; rm \0" + "x" * 2000, by="--force"))
    assert typed[0][:4] == ["promote", "3", "--name=m", "--force"]
    assert typed[0][4].startswith("--reason=--name=other; rm xxx")
    assert typed[0][5:] == ["--by=--force", "--json"]
    assert len(typed[0][4]) < 1100


def test_stopping_ends_the_command_that_runs(tmp_path: Path) -> None:
    mover = Mover(f"sqlite:///{tmp_path / 'mlflow.db'}")

    async def stopped() -> None:
        asking = asyncio.ensure_future(mover.try_roll_back("nobody"))
        while mover._process is None:
            await asyncio.sleep(0.01)
        mover.stop()
        with pytest.raises(MoveError):
            await asking

    asyncio.run(stopped())
    assert mover._process is not None
    assert mover._process.returncode not in (None, 0)


def test_output_that_is_no_answer_is_an_error() -> None:
    with pytest.raises(MoveError, match=r"^sqlite is locked$"):
        outcome_of(1, "", "UserWarning: x\nError: sqlite is locked\nbye\n")
    with pytest.raises(MoveError, match=r"^ValueError: defect$"):
        outcome_of(1, "", "Traceback\nValueError: defect\n")


def test_the_commands_get_the_store_and_not_the_dashboard_s_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, str] = {}

    class Process:
        returncode = 0

        def __init__(self, command: list[str], *, env: dict[str, str], **_: Any) -> None:
            given.update(env)
            assert command[1:] == ["-m", "wallpaper", "rollback"]

        def __enter__(self) -> Process:
            return self

        def __exit__(self, *_: object) -> None: ...

        def communicate(self, timeout: float) -> tuple[str, str]:
            return "{}", ""

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
    monkeypatch.setattr(subprocess, "Popen", Process)
    assert Mover("sqlite:///there.db")._run(["rollback"]) == (0, "{}", "")
    assert given["MLFLOW_TRACKING_URI"] == "sqlite:///there.db"
    assert "MLFLOW_HTTP_REQUEST_TIMEOUT" not in given
    assert given["PYTHONPATH"].split(os.pathsep)[0] == str(ROOT)
