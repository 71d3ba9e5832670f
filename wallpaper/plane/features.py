"""What is known of a group before any learning: 12 numbers that start a group's embedding.

Dimensions 0-3 the lattice system, 4-7 the rotation order, 8-11 reflections and
glides. Plain floats, no tensors.
"""

from __future__ import annotations

from wallpaper.plane.groups import LATTICE_SYSTEMS, PlaneGroup

FEATURES = 12
_ROTATIONS = (2, 3, 4, 6)


def embedding_features(group: PlaneGroup) -> tuple[float, ...]:
    """The `FEATURES` structured dimensions of a group's embedding, each in [0, 1].

    0-3: one-hot lattice system. 4-7: which of the 2-, 3-, 4- and 6-fold rotations the group has.
    8-9: has mirrors, has glides. 10-11: fraction of six directions with mirrors, with glides.
    All 17 rows differ but those of p3m1 and p31m, whose difference only learning can express.
    """
    lattice = [float(group.system == system) for system in LATTICE_SYSTEMS]
    rotation = [float(group.rotation_order % order == 0) for order in _ROTATIONS]
    lines = [float(group.reflections > 0), float(group.glides > 0), group.reflections / 6, group.glides / 6]
    return (*lattice, *rotation, *lines)
