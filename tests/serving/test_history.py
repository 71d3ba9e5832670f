"""Moves of an alias: their order, their text, and where a rollback goes."""

from __future__ import annotations

import dataclasses
import json

from serving.history import Kind, Move, moves_in, new_move, way_back

ALL = {str(number) for number in range(1, 10)}


def moves(*steps: tuple[Kind, str, str]) -> list[Move]:
    """Of @champion, in order: kind, version before, version after."""
    done: list[Move] = []
    for kind, before, version in steps:
        done.append(new_move("champion", version, kind, before=before, by="me", after=done))
    return done


def test_a_move_is_found_again_in_the_tags() -> None:
    first = new_move("champion", "1", "first", before="", by="me")
    forced = new_move("champion", "2", "promote", before="1", by="you", after=[first], reason="ä", forced=("a gate",))
    tags = dict([forced.tag(), first.tag(), ("eval.psnr", "3")])
    assert moves_in(tags) == [first, forced]
    assert moves_in(tags, "challenger") == []


def test_moves_have_keys_of_their_own_and_are_in_order_whatever_the_clocks_say() -> None:
    early = new_move("champion", "1", "first", before="", by="me")
    ahead = dataclasses.replace(early, key=f"{10**19:020d}.abcdef12")  # by a machine whose clock is centuries ahead
    after = new_move("champion", "2", "promote", before="1", by="me", after=[early, ahead])
    assert early.key < ahead.key < after.key
    assert len({new_move("a", "1", "set", before="", by="me").key for _ in range(100)}) == 100


def test_a_long_reason_fits_into_a_tag() -> None:
    key, text = new_move("champion", "1", "promote", before="", by="me", reason="x" * 9000).tag()
    assert len(key) <= 250
    assert len(text) <= 5000
    assert json.loads(text)["reason"] == "x" * 1000


def test_rolling_back_twice_goes_back_twice() -> None:
    done = moves(("first", "", "1"), ("promote", "1", "2"), ("promote", "2", "3"))
    assert way_back(done, "3", ALL) == ["1", "2", "3"]
    done += moves(("rollback", "3", "2"))
    assert way_back(done, "2", ALL) == ["1", "2"]
    done += moves(("rollback", "2", "1"))
    assert way_back(done, "1", ALL) == ["1"]
    done += moves(("promote", "1", "3"))
    assert way_back(done, "3", ALL) == ["1", "3"]


def test_a_version_that_is_champion_twice_is_gone_back_through_twice() -> None:
    done = moves(("first", "", "1"), ("promote", "1", "2"), ("promote", "2", "1"))
    assert way_back(done, "1", ALL) == ["1", "2", "1"]


def test_an_alias_moved_from_outside_is_gone_back_to() -> None:
    done = moves(("first", "", "1"), ("promote", "5", "6"))
    assert way_back(done, "6", ALL) == ["1", "5", "6"]
    assert way_back(done, "9", ALL) == ["1", "5", "6", "9"]
    assert way_back([], "4", ALL) == ["4"]
    assert way_back([], "", ALL) == []


def test_deleted_versions_are_passed_over() -> None:
    done = moves(("first", "", "1"), ("promote", "1", "2"), ("promote", "2", "3"))
    assert way_back(done, "3", ALL - {"2"}) == ["1", "3"]
    done += moves(("rollback", "3", "1"))
    assert way_back(done, "1", ALL) == ["1"]
