"""Transitions along routes: exact groups at the waypoints, the leg's subgroup between, and no jump anywhere."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from tests.conftest import ALL_GROUPS
from tests.tiny import SIDE, tiny_model
from wallpaper.judge import identify
from wallpaper.patterns import generate_pattern
from wallpaper.plane import GROUP_NAMES, Lattice, PlaneGroup, plane_group
from wallpaper.plane.lattice import change_basis
from wallpaper.plane.routes import leg_ends, widest_route
from wallpaper.symmetry import residuals
from wallpaper.transition import Transition, spectrum, transition, transition_from_seed, verdict

MODEL = tiny_model("palette")
VISIBLE = 1e-3
"""A residual of the untrained model's images above this is no rounding."""


def run(source: str, target: str, *, n_frames: int = 13, route: str = "widest") -> Transition:
    image = torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(2))
    lattice = Lattice.random(plane_group(source).system, np.random.default_rng(5))
    return transition(MODEL, image, source, target, lattice=lattice, n_frames=n_frames, route=route)


def with_waypoints(source: str) -> list[str]:
    return [name for name in GROUP_NAMES if name != source and len(widest_route(source, name).legs) > 1]


@ALL_GROUPS
def test_every_frame_has_what_is_planned_and_its_lattice_too(group: PlaneGroup) -> None:
    for target in with_waypoints(group.name)[group.index % 3 :: 3]:
        result = run(group.name, target)
        everything = set().union(*(leg.source_operations + leg.target_operations for leg in result.route.legs))
        names = []
        for index, lattice in enumerate(result.lattices):
            name, operations = result.planned(index)
            names.append(name)
            frame = result.frames[index].numpy()
            assert residuals(frame, operations).max() == 0
            rest = everything - set(operations)
            assert not rest or residuals(frame, tuple(rest)).min() > VISIBLE
            for op in operations:
                np.testing.assert_allclose(change_basis(lattice.metric, op.rot), lattice.metric, rtol=0, atol=1e-9)
        ends = leg_ends(len(result.route.legs), 13)
        assert tuple(names[index] for index in ends) == result.route.groups
        assert names[0] == group.name
        assert names[-1] == target


@pytest.mark.parametrize(
    ("source", "target"), [("pmm", "p3m1"), ("pm", "p3"), ("cmm", "p6"), ("p3m1", "p31m"), ("pg", "p3")]
)
def test_nothing_jumps_between_legs(source: str, target: str) -> None:
    """Steps of image, lattice and direction halve with the frames' distance; a jump would stay as large."""
    fine = run(source, target, n_frames=97)
    assert len(fine.route.legs) > 1
    bases = torch.stack([torch.from_numpy(basis(*pair)) for pair in zip(fine.lattices, fine.rotations, strict=True)])
    for values in (fine.frames, bases, fine.latents):
        steps = [float((each[1:] - each[:-1]).abs().amax()) for each in (values, values[::2])]
        assert steps[1] < 1e-9 or steps[0] < 0.65 * steps[1]


def basis(lattice: Lattice, degrees: float) -> np.ndarray:
    """The lattice's vectors in the plane, the first in this direction."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    vectors: np.ndarray = turn @ lattice.basis
    return vectors


def test_a_leg_starts_from_the_latent_that_the_one_before_reached() -> None:
    result = run("pm", "p4", n_frames=9)
    middle = result.latents[4]
    before, after = (torch.tensor([plane_group(name).index]) for name in ("p4m", "p4"))
    path = MODEL.ode.solve(middle[None], before, after, torch.linspace(0, 1, 5), solver="midpoint", steps=4)
    torch.testing.assert_close(path.latents[:, 0], result.latents[4:], rtol=0, atol=1e-5)
    assert result.weights[4] == 1
    assert result.legs == (0,) * 5 + (1,) * 4
    assert result.nfe == 2 * (2 * 4 + 1)  # two legs of four steps of midpoint, and the velocity at each end


def test_where_nothing_is_gained_the_widest_route_is_the_direct_one() -> None:
    direct, widest = run("p4", "p4m", route="direct"), run("p4", "p4m")
    assert torch.equal(direct.frames, widest.frames)
    assert direct.lattices == widest.lattices
    assert direct.route == widest.route


def test_some_frames_keep_their_plans() -> None:
    whole = run("pm", "p4", n_frames=9)
    part = whole.at([0, 3, 4, 8])
    assert [part.planned(k)[0] for k in range(4)] == ["pm", "pm", "p4m", "p4"]
    assert part.alignment == whole.alignment


def test_the_ends_alignment_is_where_the_route_left_the_target() -> None:
    result = run("pmm", "p3m1")
    assert set(result.alignment.target_operations) == set(result.route.legs[-1].target_operations)
    assert (result.source, result.target) == ("pmm", "p3m1")
    assert result.alignment.order <= result.route.width


@pytest.mark.parametrize(("legs", "frames", "ends"), [(1, 2, [0, 1]), (2, 5, [0, 2, 4]), (3, 50, [0, 16, 33, 49])])
def test_legs_share_the_frames_evenly(legs: int, frames: int, ends: list[int]) -> None:
    assert leg_ends(legs, frames) == ends
    for count in range(legs + 1, 60):
        parts = [after - before for before, after in pairwise(leg_ends(legs, count))]
        assert min(parts) >= 1
        assert max(parts) - min(parts) <= 1


def test_too_few_frames_for_a_route_are_refused() -> None:
    with pytest.raises(ValueError, match="`n_frames >= 4` must hold to show the 4 groups on the way, but got 3"):
        run("pmm", "p3m1", n_frames=3)
    with pytest.raises(ValueError, match="`route` must be one of direct, widest, but got 'scenic'"):
        run("pmm", "p3m1", route="scenic")


def test_a_seed_s_transition_takes_the_route() -> None:
    result = transition_from_seed(MODEL, "cm", "p3", seed=4, n_frames=5, route="widest")
    assert result.route.groups == ("cm", "p3m1", "p3")
    a, b = generate_pattern("cm", 4, SIDE).lattice.basis.T
    assert result.lattices[0].a == pytest.approx(np.linalg.norm(a + b) / 2)


def test_the_spectrum_shows_what_is_planned() -> None:
    result = run("p3", "p6m", n_frames=5, route="direct")
    found = spectrum(result)
    for line, values in zip(found.lines, found.correlations, strict=True):
        planned = [line.operation in result.planned(k)[1] for k in range(5)]
        np.testing.assert_array_equal(values > 1 - 1e-6, planned)
    others = [line for line in spectrum(run("p3", "p3m1", n_frames=3, route="direct")).lines if line.role == "neither"]
    assert len(others) == 6  # the six of a hexagonal lattice's twelve isometries that 3m has not


def test_verdicts() -> None:
    """A frame of p4m was planned p4m or less; a pattern repeated in one cell holds what its smaller cell has."""
    square = Lattice(1.0, 1.0, 90.0)
    pattern = generate_pattern("p4m", 1, 64).pixels
    found = identify(pattern, square)
    expected = {
        "p4m": "exact",
        "p4": "higher",
        "cmm": "higher",
        "p1": "higher",
        "pmg": "other",
        "p3": "other",
        "p6m": "other",
    }
    assert {planned: verdict(found, planned, square) for planned in expected} == expected
    repeated = np.concatenate([pattern[::2], pattern[::2]])  # twice along a, half as many samples each
    doubled = Lattice(2.0, 1.0, 90.0)
    assert verdict(identify(repeated, doubled), "pmg", doubled) == "higher"
