"""Alignment, common subgroups and classification.

The oracle of the 153 pairs, `pairs.json`, is an independent computation: another program's search
over settings and origins, which shares no code with ours. Each entry is the order and type of the
largest common translationengleiche subgroup; "p2/pm" means that two types reach that order.
"""

from __future__ import annotations

import json
from functools import reduce
from itertools import combinations_with_replacement, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ALL_GROUPS
from tests.plane.printed import MAXIMAL_SUBGROUPS
from wallpaper.plane import (
    DEN,
    GROUP_NAMES,
    Lattice,
    Op,
    PlaneGroup,
    align,
    classify,
    plane_group,
    primitive_operations,
)
from wallpaper.plane.lattice import change_basis, geodesic, invariant_metric
from wallpaper.plane.operation import IDENTITY, IDENTITY_MATRIX, Matrix, Shift, multiply, small_unimodular
from wallpaper.plane.relations import (
    SHIFT_STEP,
    common_operations,
    primitive_metric,
    primitive_vectors,
)

ATOL = 1e-12
"""A few float64 products of numbers near 1."""

ALL_ORDERED_PAIRS = pytest.mark.parametrize(("source", "target"), list(product(GROUP_NAMES, repeat=2)))

PAIRS: dict[str, tuple[int, str]] = json.loads(Path(__file__).with_name("pairs.json").read_text())

elementary = st.sampled_from((((0, 1), (1, 0)), ((-1, 0), (0, 1)), ((1, 1), (0, 1)), ((1, 0), (-1, 1))))
unimodular = st.lists(elementary, max_size=6).map(lambda parts: reduce(multiply, parts, IDENTITY_MATRIX))
twelfths = st.tuples(st.integers(0, DEN - 1), st.integers(0, DEN - 1))


def test_the_oracle_covers_every_pair() -> None:
    assert set(PAIRS) == {f"{a}|{b}" for a, b in combinations_with_replacement(GROUP_NAMES, 2)}


@pytest.mark.parametrize("pair", PAIRS)
def test_common_subgroup_is_the_largest_one(pair: str) -> None:
    order, types = PAIRS[pair]
    source, target = pair.split("|")
    for alignment in (align(source, target), align(target, source)):
        assert alignment.order == order
        assert alignment.common_group in types.split("/")


@pytest.mark.parametrize("name", MAXIMAL_SUBGROUPS)
def test_subgroups_of_the_printed_tables_are_kept_whole(name: str) -> None:
    for subgroup in MAXIMAL_SUBGROUPS[name]:
        alignment = align(subgroup, name)
        assert alignment.common_group == subgroup
        assert set(alignment.common) == set(primitive_operations(subgroup))


@ALL_ORDERED_PAIRS
def test_common_subgroup_is_a_group_within_both(source: str, target: str) -> None:
    alignment = align(source, target)
    common = set(alignment.common)
    assert alignment.common[0] == IDENTITY
    assert len(common) == alignment.order
    assert common == set(primitive_operations(source)) & set(alignment.target_operations)
    assert {g @ h for g in common for h in common} == common
    assert classify(alignment.target_operations) == target


@ALL_ORDERED_PAIRS
def test_target_operations_act_through_the_targets_own_coordinates(source: str, target: str) -> None:
    """Going to target coordinates and acting there is acting first and going there after."""
    alignment = align(source, target)
    to_target = Op(alignment.axes, alignment.shift)
    there = {op @ to_target for op in primitive_operations(target)}
    assert {to_target @ op for op in alignment.target_operations} == there


@ALL_GROUPS
def test_a_group_lies_on_itself_unmoved(group: PlaneGroup) -> None:
    alignment = align(group.name, group.name)
    assert (alignment.axes, alignment.shift) == (IDENTITY_MATRIX, (0, 0))
    assert alignment.common == primitive_operations(group.name)


@ALL_ORDERED_PAIRS
def test_common_operations_stay_isometries_along_the_geodesic(source: str, target: str) -> None:
    alignment = align(source, target)
    group = plane_group(source)
    start = primitive_metric(group, Lattice.random(group.system, np.random.default_rng(0)).metric)
    end = invariant_metric(start, {op.rot for op in alignment.target_operations})
    for t in (0, 0.37, 1):
        metric = geodesic(start, end, t)
        for op in alignment.common:
            np.testing.assert_allclose(change_basis(metric, op.rot), metric, rtol=0, atol=1e2 * ATOL)


# The coarse search loses nothing.


def test_thirds_never_enlarge_a_common_subgroup() -> None:
    thirds = [(u, v) for u, v in product((0, 4, 8), repeat=2) if u or v]
    for source, target in combinations_with_replacement(GROUP_NAMES, 2):
        best = align(source, target).order
        for axes in small_unimodular():
            assert all(len(common_operations(source, target, axes, shift)) <= best for shift in thirds)


@given(st.sampled_from(GROUP_NAMES), st.sampled_from(GROUP_NAMES), unimodular, twelfths)
def test_no_other_axes_and_twelfths_enlarge_it(source: str, target: str, axes: Matrix, shift: Shift) -> None:
    assert len(common_operations(source, target, axes, shift)) <= align(source, target).order


def test_quarters_are_needed() -> None:
    """The mirrors of pmg stand at x = 1/4 (International Tables A, diagram of No. 7), those of pm at x = 0."""
    assert DEN // SHIFT_STEP == 4
    halves = list(product((0, 6), repeat=2))
    assert max(len(common_operations("pm", "pmg", axes, half)) for axes in small_unimodular() for half in halves) == 1
    assert align("pm", "pmg").common_group == "pm"
    assert align("pm", "pmg").shift[0] in (3, 9)


# Classification and primitive settings.


@ALL_GROUPS
def test_primitive_operations_have_no_centring(group: PlaneGroup) -> None:
    operations = primitive_operations(group.name)
    assert operations[0] == IDENTITY
    assert len(operations) == len({op.rot for op in operations}) == group.order
    assert {g @ h for g in operations for h in operations} == set(operations)


@ALL_GROUPS
def test_primitive_operations_are_isometries_of_the_primitive_metric(group: PlaneGroup) -> None:
    lattice = Lattice.random(group.system, np.random.default_rng(group.index))
    metric = primitive_metric(group, lattice.metric)
    for op in primitive_operations(group.name):
        np.testing.assert_allclose(change_basis(metric, op.rot), metric, rtol=0, atol=ATOL)
    assert Lattice.from_metric(metric).area == pytest.approx(lattice.area / len(group.centring))


@pytest.mark.parametrize("name", ["cm", "cmm"])
def test_centred_cells_have_rhombic_primitive_ones(name: str) -> None:
    lattice = Lattice(1.0, 1.3, 90)
    primitive = Lattice.from_metric(primitive_metric(plane_group(name), lattice.metric))
    assert (primitive.a, primitive.b) == pytest.approx((np.hypot(1, 1.3) / 2,) * 2)


@ALL_GROUPS
def test_primitive_vectors_generate_the_lattice_and_the_centring(group: PlaneGroup) -> None:
    """By hand: (a + b)/2 and (b - a)/2 for a centred cell; a and b themselves for any other."""
    centred = group.name in ("cm", "cmm")
    expected = np.array([[0.5, -0.5], [0.5, 0.5]]) if centred else np.eye(2)
    vectors = primitive_vectors(group)
    np.testing.assert_array_equal(vectors, expected)
    lattice = Lattice(1.0, 1.3, 90)
    cell = lattice.basis @ vectors
    np.testing.assert_allclose(cell.T @ cell, primitive_metric(group, lattice.metric), rtol=0, atol=ATOL)


@ALL_GROUPS
@given(axes=unimodular, shift=twelfths)
def test_classify_sees_through_any_axes_and_origin(group: PlaneGroup, axes: Matrix, shift: Shift) -> None:
    frame = Op(axes, shift)
    moved = tuple(frame.inverse() @ op @ frame for op in primitive_operations(group.name))
    assert classify(moved) == group.name


@pytest.mark.parametrize(
    "texts",
    [("x,y", "-y,x-y", "y,x"), ("x,y", "-x,-y", "-x,y"), ("x,y", "-y,x", "-x,y")],
    ids=["a 3m without its other mirrors", "a 2mm without its other mirror", "a 4mm without its other mirrors"],
)
def test_classify_refuses_what_is_no_group(texts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"these operations form no plane group: \['x,y', "):
        classify(tuple(Op.parse(text) for text in texts))
