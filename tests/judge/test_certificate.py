"""Certificates as text: what goes to JSON comes back equal, with the symbols that the tables print."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.conftest import ALL_GROUPS
from tests.judge.waves import wave_pattern
from tests.plane.printed import POLAR_SPACE_GROUPS
from wallpaper.judge import Certificate, identify
from wallpaper.plane import PlaneGroup


@ALL_GROUPS
def test_a_certificate_survives_json(group: PlaneGroup) -> None:
    found = identify(*wave_pattern(group.name, np.random.default_rng(group.index)))
    assert Certificate.from_json(found.to_json()) == found
    values = json.loads(found.to_json(indent=2))
    assert (values["number"], values["hermann_mauguin"]) == (group.number, group.full_symbol)
    assert (values["orbifold"], values["space_group"]) == (group.orbifold, POLAR_SPACE_GROUPS[group.name])
    assert sum(values["probabilities"].values()) == pytest.approx(1)
    assert values["margin"] == pytest.approx(found.weakest_true - found.strongest_false)
    assert [op["xyz"] for op in values["operations"]] == [op.xyz for op in group.operations]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "must be a JSON object"),
        ("{}", "format == 1"),
        ('{"format": 2}', "got 2"),
        ('{"format": 1, "group": "p4"}', "must be whole"),
        ("{", "Expecting property name"),
    ],
)
def test_what_is_no_certificate_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Certificate.from_json(text)
