"""Promotion, force and rollback in a real store, a real trial of a registered model, and processes that race."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException

from serving import promotion, trial
from serving.gates import Trial
from serving.promotion import promote, rollback
from serving.versions import Registry, Unknown
from tests.serving.conftest import ROOT, Add, Store, aliases
from tests.serving.test_gates import GOOD, SOUND

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own and those of what it imports

SHOWN = (*GOOD, "held-out patterns", "frames", "seconds")
"""What there is a gate for, where there is a champion."""


# ---- the trial


def test_a_registered_model_answers_as_the_library_does_and_an_altered_frame_is_noticed(
    registry: Registry, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Any] = []
    ask = trial._ask
    monkeypatch.setattr(trial, "_ask", lambda *places: answers.append(ask(*places)) or answers[-1])
    outcome = promote(registry, add(), most_seconds=1000)
    assert (outcome.now, outcome.before, outcome.failing) == ("1", "", ())
    served = next(each for each in outcome.verdicts if each.gate == "served frames equal the library's")
    assert served.value == "8 of 8"
    assert answers[0]["seconds"] > 0
    monkeypatch.setattr(trial, "_ask", lambda *places: answers[0])
    monkeypatch.setattr(trial, "SEED", 1)
    refused = promote(registry, add(), most_seconds=1000)
    assert refused.refused
    assert [each.gate for each in refused.failing] == ["served frames equal the library's"]
    monkeypatch.setattr(trial, "SEED", 0)
    answers[0]["frames"].pop()
    assert trial.try_version(f"models:/{registry.name}/1").different == 1


def test_a_version_whose_files_are_gone_is_refused_with_the_reason(
    registry: Registry, add: Add, tmp_path: Path
) -> None:
    outcome = promote(registry, add(source=tmp_path.as_uri()))
    assert outcome.refused
    assert next(each.value for each in outcome.failing).startswith("no answer: ")
    assert aliases(registry) == {}


# ---- decisions


@pytest.mark.usefixtures("sound")
def test_a_worse_version_is_refused_and_nothing_is_recorded(registry: Registry, add: Add) -> None:
    assert promote(registry, add()).now == "1"
    outcome = promote(registry, add(psnr_test=20.0))
    assert outcome.refused
    assert [each.gate for each in outcome.failing] == ["PSNR, test (dB)"]
    assert aliases(registry) == {"champion": "1"}
    assert [move.version for move in registry.moves()] == ["1"]


@pytest.mark.usefixtures("sound")
def test_force_is_on_record(registry: Registry, add: Add) -> None:
    promote(registry, add())
    worse = add(psnr_test=20.0)
    with pytest.raises(ValueError, match="`--force` needs `--reason TEXT`"):
        promote(registry, worse, force=True, reason=" ")
    outcome = promote(registry, worse, force=True, reason="the old one is broken")
    assert (outcome.refused, outcome.now) == (False, "2")
    version, move = registry.version("champion"), registry.moves()[-1]
    assert version.number == "2"
    assert version.forced == {
        "by": move.by,
        "at": move.at,
        "reason": "the old one is broken",
        "gates": "PSNR, test (dB)",
    }
    assert (move.kind, move.before, move.forced) == ("promote", "1", ("PSNR, test (dB)",))
    assert registry.version("1").forced == {}


@pytest.mark.usefixtures("sound")
def test_rollback_goes_back_as_often_as_there_were_promotions(registry: Registry, add: Add) -> None:
    for _ in range(3):
        promote(registry, add())
    assert [rollback(registry).now, rollback(registry).now] == ["2", "1"]
    assert aliases(registry) == {"champion": "1"}
    with pytest.raises(Unknown, match="must have been moved to roll back, but version 1 is the first"):
        rollback(registry)
    assert promote(registry, "3").now == "3"
    assert rollback(registry).now == "1"


@pytest.mark.usefixtures("sound")
def test_a_dry_run_says_what_would_come_and_moves_nothing(registry: Registry, add: Add) -> None:
    promote(registry, add())
    better, worse = add(), add(psnr_test=20.0)
    would = promote(registry, better, dry_run=True)
    assert (would.before, would.now, would.failing, would.refused) == ("1", "1", (), False)
    assert len(would.verdicts) == len(SHOWN)
    assert promote(registry, worse, dry_run=True).refused
    assert promote(registry, worse, alias="challenger", dry_run=True).now == ""
    with pytest.raises(ValueError, match="`--dry-run` moves nothing, so nothing can be forced"):
        promote(registry, worse, dry_run=True, force=True, reason="x")
    assert (aliases(registry), len(registry.moves())) == ({"champion": "1"}, 1)
    promote(registry, better)
    assert rollback(registry, dry_run=True).version == "1"
    assert (aliases(registry), len(registry.moves())) == ({"champion": "2"}, 2)


@pytest.mark.usefixtures("sound")
def test_two_who_roll_back_for_the_same_cause_go_back_once(registry: Registry, add: Add) -> None:
    for _ in range(3):
        promote(registry, add())
    assert rollback(registry, to="2", by="Ada").now == "2"
    with pytest.raises(ValueError, match="`--to 2` must be what a rollback goes to, but from version 2 it goes to ver"):
        rollback(registry, to="2", by="Grace")
    assert aliases(registry) == {"champion": "2"}
    assert registry.moves()[-1].by.startswith("Ada (")


@pytest.mark.usefixtures("sound")
def test_challenger_has_no_gates_and_is_what_promote_means(registry: Registry, add: Add) -> None:
    with pytest.raises(Unknown, match=r"`challenger` must be a version or an alias of model.*no alias is set"):
        promote(registry)
    add(), add(psnr_test=1.0)
    assert promote(registry, alias="challenger").now == "2"
    assert promote(registry, "1", alias="challenger").now == "1"
    assert promote(registry).version == "1"
    assert aliases(registry) == {"champion": "1", "challenger": "1"}
    again = promote(registry)
    assert (again.verdicts, again.refused, len(registry.moves("champion"))) == ((), False, 1)


def test_the_champion_compared_with_is_the_one_that_is_replaced(
    registry: Registry, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trial takes seconds, in which somebody else may promote a better version."""
    promoted = [add(), add(psnr_test=30.0)]

    def meanwhile(uri: str) -> Trial:
        registry.move("champion", promoted[1], "promote")
        return SOUND

    monkeypatch.setattr(promotion, "try_version", meanwhile)
    outcome = promote(registry, promoted[0])
    assert (outcome.refused, outcome.before) == (True, "2")


# ---- races


def test_a_mover_that_was_overtaken_leaves_the_alias_to_the_later_one(
    registry: Registry, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else records and points the alias between our record and our pointing it, as can be over REST."""
    add(), add()
    client, other = registry.store.client, Registry(registry.store, registry.name)
    point = client.set_registered_model_alias

    def overtaken(*words: str) -> None:
        monkeypatch.setattr(client, "set_registered_model_alias", point)
        assert other.move("champion", "2", "promote") == "2"
        point(*words)

    monkeypatch.setattr(client, "set_registered_model_alias", overtaken)
    assert registry.move("champion", "1", "promote") == "2"
    assert registry.holder("champion") == "2"
    assert [move.version for move in registry.moves()] == ["1", "2"]


def test_an_alias_that_two_movers_make_at_once_is_pointed_again(
    registry: Registry, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow inserts a new alias; of two inserts at once its database refuses one."""
    add()
    client = registry.store.client
    point = client.set_registered_model_alias

    def refused(*words: str) -> None:
        monkeypatch.setattr(client, "set_registered_model_alias", point)
        raise MlflowException("UNIQUE constraint failed: registered_model_aliases")

    monkeypatch.setattr(client, "set_registered_model_alias", refused)
    assert registry.move("champion", "1", "promote") == registry.holder("champion") == "1"


RACE = """
import contextlib, multiprocessing, sys
from serving import versions
from wallpaper import tracking

RACERS, MOVES = 4, 5

def race(name, locked, number, start):
    if not locked:  # as over REST
        versions.one_process = lambda uri: contextlib.nullcontext()
    registry = versions.Registry(tracking.initialise(), name)
    start.wait()
    for _ in range(MOVES):
        with registry.turn():
            registry.move("champion", number, "promote")

if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    for name, locked in ((sys.argv[1], True), (sys.argv[2], False)):
        start = context.Barrier(RACERS)
        racers = [
            context.Process(target=race, args=(name, locked, str(number + 1), start)) for number in range(RACERS)
        ]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        assert [racer.exitcode for racer in racers] == [0] * RACERS
"""


def test_processes_that_promote_at_once_lose_nothing(registry: Registry, add: Add, store: Store) -> None:
    """With an SQLite store's lock each sees the one before; without, the alias is still the last recorded one's."""
    free = Registry(registry.store, f"{registry.name}-free")
    registry.store.client.create_registered_model(free.name)
    source = registry.version(add()).number
    packed = registry.store.client.get_model_version(registry.name, source).source
    for each in [registry] * 3 + [free] * 4:
        each.store.client.create_model_version(each.name, packed)
    command = [sys.executable, "-c", RACE, registry.name, free.name]
    done = subprocess.run(command, cwd=ROOT, env=store.environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    for each in (registry, free):
        moves = each.moves("champion")
        assert sorted(move.version for move in moves) == [number for number in "1234" for _ in range(5)]
        assert each.holder("champion") == moves[-1].version
    moves = registry.moves("champion")
    assert [move.before for move in moves] == ["", *(move.version for move in moves[:-1])]
