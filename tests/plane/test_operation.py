"""Operations as exact data: notation, composition, inverse, closure."""

from __future__ import annotations

from fractions import Fraction
from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallpaper.plane import DEN, Op
from wallpaper.plane.operation import (
    IDENTITY,
    IDENTITY_MATRIX,
    MOST_OPERATIONS,
    close,
    determinant,
    multiply,
    transform,
    unimodular_inverse,
)

small = st.integers(-3, 3)
matrices = st.tuples(st.tuples(small, small), st.tuples(small, small))
factors = st.sampled_from((((0, 1), (1, 0)), ((-1, 0), (0, 1)), ((1, 1), (0, 1)), ((1, 0), (-1, 1))))
unimodular = st.lists(factors, max_size=5).map(lambda parts: reduce(multiply, parts, IDENTITY_MATRIX))
shifts = st.tuples(st.integers(-30, 30), st.integers(-30, 30))
operations = st.builds(Op, unimodular, shifts)
points = st.tuples(*[st.fractions(-2, 2, max_denominator=30)] * 2)


def moved(op: Op, point: tuple[Fraction, Fraction]) -> tuple[Fraction, ...]:
    """The point's image, in [0, 1), from the definition x' = W x + w."""
    rows = zip(op.rot, op.shift, strict=True)
    return tuple((sum(c * x for c, x in zip(row, point, strict=True)) + Fraction(s, DEN)) % 1 for row, s in rows)


@given(operations)
def test_notation_round_trip(op: Op) -> None:
    assert Op.parse(op.xyz) == op
    assert str(op) == op.xyz


@pytest.mark.parametrize(
    ("text", "rot", "shift"),
    [
        ("x,y", ((1, 0), (0, 1)), (0, 0)),
        ("-y,x-y", ((0, -1), (1, -1)), (0, 0)),
        (" -X + 1/2 , Y ", ((-1, 0), (0, 1)), (6, 0)),
        ("1/4-y,x-1/3", ((0, -1), (1, 0)), (3, 8)),
        ("x+3/2,y+1", ((1, 0), (0, 1)), (6, 0)),
        ("2x-y,-3y+12x", ((2, -1), (12, -3)), (0, 0)),
    ],
)
def test_parse_reads_the_notation(text: str, rot: object, shift: object) -> None:
    op = Op.parse(text)
    assert (op.rot, op.shift) == (rot, shift)


def test_xyz_writes_zero_rows_and_multiples() -> None:
    assert Op(((0, 0), (2, -1)), (0, 3)).xyz == "0,2x-y+1/4"


@pytest.mark.parametrize("text", ["", "x", "x,y,z", "x;y"])
def test_parse_refuses_other_than_two_coordinates(text: str) -> None:
    with pytest.raises(ValueError, match="an operation must have two coordinates such as"):
        Op.parse(text)


@pytest.mark.parametrize("text", ["x,", "x,z", "x,y+1/5", "x,y+", "x,2*y", "x,--y", "xy,x", "1/2x,y"])
def test_parse_refuses_what_is_no_sum(text: str) -> None:
    with pytest.raises(ValueError, match="a coordinate must be a sum of multiples of x, y and 1/12, but got"):
        Op.parse(text)


@given(operations, operations, points)
def test_composition_applies_the_right_hand_first(g: Op, h: Op, point: tuple[Fraction, Fraction]) -> None:
    assert moved(g @ h, point) == moved(g, moved(h, point))  # type: ignore[arg-type]


@given(operations)
def test_inverse_undoes_on_both_sides(op: Op) -> None:
    assert op.inverse() @ op == IDENTITY == op @ op.inverse()


@given(matrices, matrices, shifts)
def test_integer_algebra_agrees_with_numpy(a: object, b: object, v: object) -> None:
    assert np.array_equal(multiply(a, b), np.array(a) @ np.array(b))  # type: ignore[arg-type]
    assert np.array_equal(transform(a, v), np.array(a) @ np.array(v))  # type: ignore[arg-type]
    assert determinant(a) == round(np.linalg.det(np.array(a)))  # type: ignore[arg-type]


def test_inverse_of_a_larger_determinant_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`determinant\(matrix\) in \(1, -1\)` must hold, but got 2"):
        unimodular_inverse(((2, 0), (0, 1)))


@pytest.mark.parametrize(
    ("text", "order", "det"),
    [
        ("x,y", 1, 1),
        ("-x,-y", 2, 1),
        ("-y,x-y", 3, 1),
        ("-y,x", 4, 1),
        ("x-y,x", 6, 1),
        ("y,x", 2, -1),
        ("-x,y", 2, -1),
    ],
)
def test_order_and_determinant(text: str, order: int, det: int) -> None:
    assert (Op.parse(text).order, Op.parse(text).det) == (order, det)


def test_a_shear_has_no_order() -> None:
    with pytest.raises(ValueError, match="`W` must have order 1, 2, 3, 4 or 6, but got"):
        Op(((1, 1), (0, 1))).order  # noqa: B018


def test_shifts_are_reduced_to_the_cell() -> None:
    assert Op(IDENTITY_MATRIX, (-1, 25)) == Op(IDENTITY_MATRIX, (11, 1))


def test_closure_of_no_generators_is_the_identity() -> None:
    assert close(()) == (IDENTITY,)


def test_closure_is_a_group() -> None:
    found = close([Op.parse("-y,x+1/2"), Op.parse("x+1/2,y+1/2")])
    assert found[0] == IDENTITY
    assert len(set(found)) == len(found) == 8
    assert {g @ h for g in found for h in found} == set(found) == {g.inverse() for g in found}


def test_endless_closure_is_refused() -> None:
    with pytest.raises(ValueError, match=rf"must close to at most {MOST_OPERATIONS} operations, but \['x\+y,y'"):
        close([Op(((1, 1), (0, 1))), Op(((1, 0), (1, 1)))])
