"""The latent space along any two of the axes that a training has told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dashboard.theme import DARK
from dashboard.views import latent

THREE = {
    "axes": ["a", "b", "c"], "dimensions": 9, "metrics": {},
    "groups": {"p1": {"points": [[1, 2, 3], [4, 5, 6]], "indices": [0, 1]}},
    "trajectories": [{"source": "p1", "target": "p2", "points": [[1, 2, 3], [7, 8, 9]]}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("axes", "titles", "points", "path"),
    [
        ((0, 1), ("a", "b"), ([1, 4], [2, 5]), ([1, 7], [2, 8])),
        ((0, 2), ("a", "c"), ([1, 4], [3, 6]), ([1, 7], [3, 9])),
        ((1, 2), ("b", "c"), ([2, 5], [3, 6]), ([2, 8], [3, 9])),
    ],
)
def test_a_cloud_is_seen_along_the_axes_that_are_chosen(
    axes: tuple[int, int], titles: tuple[str, str], points: Any, path: Any
) -> None:
    drawn = latent.cloud_figure(latent.read_cloud(json.dumps(THREE)), latent.Choice(axes=axes), DARK)
    assert tuple(drawn["layout"][name]["title"]["text"] for name in ("xaxis", "yaxis")) == titles
    cloud, way = drawn["data"]
    assert ((cloud["x"], cloud["y"]), (way["x"], way["y"])) == (points, path)


def test_an_older_cloud_of_two_axes_is_seen_along_these() -> None:
    cloud = latent.Cloud(("a", "b"), 2, {"p1": [(0, 0), (1, 1)]}, {"p1": [7, 3]}, (), {})
    drawn = latent.cloud_figure(cloud, latent.Choice(axes=(1, 2)), DARK)
    assert drawn["data"][0]["x"] == [0, 1]


@pytest.mark.parametrize("axes", [["a", "b"], ["a", "b", "c", "d"], ["a"], []])
def test_points_have_a_number_for_each_axis_and_there_are_two_or_more(axes: list[str]) -> None:
    with pytest.raises(ValueError, match=r"must have (a number for each of \d axes|two axes or more)"):
        latent.read_cloud(json.dumps(THREE | {"axes": axes}))
