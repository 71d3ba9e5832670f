"""The structured part of a group's embedding."""

from __future__ import annotations

from itertools import combinations

from tests.conftest import ALL_GROUPS
from tests.plane.printed import PROPERTIES
from wallpaper.plane import FEATURES, LATTICE_SYSTEMS, PLANE_GROUPS, PlaneGroup, embedding_features


@ALL_GROUPS
def test_features_say_what_is_printed(group: PlaneGroup) -> None:
    _, _, system, _, rotation, reflections, glides, _ = PROPERTIES[group.name]
    features = embedding_features(group)
    assert len(features) == FEATURES
    assert all(0 <= value <= 1 for value in features)
    assert features[:4] == tuple(float(name == system) for name in LATTICE_SYSTEMS)
    assert features[4:8] == tuple(float(rotation in multiples) for multiples in ((2, 4, 6), (3, 6), (4,), (6,)))
    assert features[8:] == (float(reflections > 0), float(glides > 0), reflections / 6, glides / 6)


def test_only_p3m1_and_p31m_look_alike() -> None:
    alike = {
        (a.name, b.name)
        for a, b in combinations(PLANE_GROUPS.values(), 2)
        if embedding_features(a) == embedding_features(b)
    }
    assert alike == {("p3m1", "p31m")}
