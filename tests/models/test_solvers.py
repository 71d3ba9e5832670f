from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from wallpaper.models.solvers import SOLVERS, TABLEAUS, SolveError, SolverSettings, integrate, solver_errors

FIXED = pytest.mark.parametrize("solver", list(TABLEAUS))
EVERY = pytest.mark.parametrize("solver", SOLVERS)
START = torch.tensor([[1.0, 0.0], [0.3, -2.0], [0.0, 0.5]], dtype=torch.float64)


def oscillator(time: Tensor, state: Tensor) -> Tensor:
    """x' = v, v' = -x: rotates clockwise by one radian a unit of time."""
    return torch.stack([state[:, 1], -state[:, 0]], dim=1)


def rotated(time: float) -> Tensor:
    c, s = math.cos(time), math.sin(time)
    return START @ torch.tensor([[c, -s], [s, c]], dtype=torch.float64)


def decay(time: Tensor, state: Tensor) -> Tensor:
    """z' = -2 t z: z = z0 exp(-t^2), which depends on time."""
    return -2 * time * state


def settings(solver: str, steps: int = 8, tolerance: float = 1e-9, limit: int = 10_000) -> SolverSettings:
    return SolverSettings(solver=solver, steps=steps, rtol=tolerance, atol=tolerance, max_evaluations=limit)


def times(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


@FIXED
@pytest.mark.parametrize("case", ["oscillator", "decay"])
def test_error_falls_with_the_named_order(solver: str, case: str) -> None:
    def error(steps: int) -> float:
        field, exact = (oscillator, rotated(2.0)) if case == "oscillator" else (decay, START * math.exp(-4.0))
        end = integrate(field, START, times(0.0, 2.0), settings(solver, steps)).states[-1]
        return float((end - exact).norm())

    slope = math.log2(error(64) / error(128))
    assert abs(slope - TABLEAUS[solver].order) < 0.1


def test_dense_output_is_of_third_order_or_better_between_steps() -> None:
    def error(steps: int) -> float:
        middle = integrate(oscillator, START, times(0.0, 2.37 / steps, 2.0), settings("rk4", steps)).states[1]
        return float((middle - rotated(2.37 / steps)).norm())

    assert math.log2(error(16) / error(32)) > 3.7


@EVERY
def test_every_solver_meets_the_closed_form_at_all_times_in_both_directions(solver: str) -> None:
    moments = times(0.0, 0.1, 0.37, 0.5, 0.99, 1.0)
    tolerance = {"euler": 2e-2, "midpoint": 2e-4}.get(solver, 1e-6)
    forth = integrate(oscillator, START, moments, settings(solver, 100)).states
    for state, moment in zip(forth, moments.tolist(), strict=True):
        torch.testing.assert_close(state, rotated(moment), rtol=0, atol=tolerance)
    back = integrate(oscillator, forth[-1], moments.flip(0), settings(solver, 100)).states
    torch.testing.assert_close(back.flip(0), forth, rtol=0, atol=2 * tolerance)
    assert not torch.allclose(forth[-1], START, atol=0.1)


@FIXED
def test_output_times_cost_nothing_and_change_nothing(solver: str) -> None:
    few = integrate(oscillator, START, times(0.0, 1.0), settings(solver))
    many = integrate(oscillator, START, torch.linspace(0, 1, 50, dtype=torch.float64), settings(solver))
    assert few.nfe == 8 * len(TABLEAUS[solver].weights)
    assert many.nfe == few.nfe + 1
    assert torch.equal(many.states[-1], few.states[-1])
    assert torch.equal(many.states[0], START)


@FIXED
def test_output_on_a_step_is_the_step(solver: str) -> None:
    states = integrate(oscillator, START, times(0.0, 0.5, 1.0), settings(solver, 2)).states
    half = integrate(oscillator, START, times(0.0, 0.5), settings(solver, 1)).states
    torch.testing.assert_close(states[1], half[1], rtol=0, atol=1e-15)


@FIXED
def test_a_path_does_not_depend_on_its_batch(solver: str) -> None:
    whole = integrate(oscillator, START, times(0.0, 0.3, 1.0), settings(solver)).states
    alone = [integrate(oscillator, row[None], times(0.0, 0.3, 1.0), settings(solver)).states for row in START]
    assert torch.equal(whole, torch.cat(alone, dim=1))


@EVERY
def test_nfe_counts_the_calls(solver: str) -> None:
    calls = []

    def counted(time: Tensor, state: Tensor) -> Tensor:
        calls.append(float(time))
        return oscillator(time, state)

    solution = integrate(counted, START, times(0.0, 0.5, 1.0), settings(solver))
    assert solution.nfe == len(calls) > 0


@EVERY
def test_gradients_are_those_of_the_closed_form(solver: str) -> None:
    rate = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    start = START.clone().requires_grad_()
    end = integrate(lambda t, z: rate * z, start, times(0.0, 1.0), settings(solver, 400)).states[-1]
    end.sum().backward()
    assert rate.grad is not None
    assert start.grad is not None
    tolerance = {"euler": 5e-3, "midpoint": 1e-5}.get(solver, 1e-8)
    torch.testing.assert_close(start.grad, torch.full_like(START, math.exp(0.7)), rtol=tolerance, atol=0)
    torch.testing.assert_close(rate.grad, START.sum() * math.exp(0.7), rtol=tolerance, atol=0)


def test_the_adjoint_gives_the_same_gradient() -> None:
    rate = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    end = integrate(lambda t, z: rate * z, START, times(0.0, 1.0), settings("dopri5"), adjoint_parameters=[rate])
    end.states[-1].sum().backward()
    torch.testing.assert_close(rate.grad, START.sum() * math.exp(0.7), rtol=1e-6, atol=0)


def test_the_adjoint_needs_dopri5() -> None:
    with pytest.raises(ValueError, match="the adjoint needs solver 'dopri5', but got 'rk4'"):
        integrate(oscillator, START, times(0.0, 1.0), settings("rk4"), adjoint_parameters=[])


@EVERY
def test_a_nan_in_one_row_is_blamed_on_that_row(solver: str) -> None:
    def broken(time: Tensor, state: Tensor) -> Tensor:
        return torch.where(state == 0.3, torch.nan, oscillator(time, state))

    with pytest.raises(SolveError, match="sample 1 of the batch") as caught:
        integrate(broken, START, times(0.0, 1.0), settings(solver))
    assert caught.value.sample == 1


@EVERY
def test_a_start_that_is_not_finite_is_refused(solver: str) -> None:
    start = START.clone()
    start[2, 1] = torch.inf
    with pytest.raises(SolveError, match="sample 2 of the batch: starts at a value that is not finite"):
        integrate(oscillator, start, times(0.0, 1.0), settings(solver))


@EVERY
def test_a_blow_up_is_a_solve_error(solver: str) -> None:
    """z' = 200 z^3 reaches infinity before t = 1 for the middle row only."""
    start = torch.tensor([[1e-4], [9.0], [1e-4]], dtype=torch.float64)
    with pytest.raises(SolveError) as caught:
        integrate(lambda t, z: 200 * z**3, start, times(0.0, 1.0), settings(solver, 50))
    assert caught.value.sample == 1


def test_a_stiff_field_is_given_up_in_time() -> None:
    fast = torch.tensor([[-1.0], [-1e5], [-1.0]], dtype=torch.float64)
    start = torch.ones(3, 1, dtype=torch.float64)
    with pytest.raises(SolveError, match=r"sample 1 of the batch: needs more than 200 evaluations.*too stiff"):
        integrate(lambda t, z: fast * (z - torch.cos(t)), start, times(0.0, 1.0), settings("dopri5", limit=200))


def test_the_bound_holds_for_the_backward_pass_on_its_own() -> None:
    rate = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    calls: list[float] = []

    def field(time: Tensor, state: Tensor) -> Tensor:
        calls.append(float(time.detach()))
        return rate * state

    def gradient(limit: int) -> int:
        calls.clear()
        bounded = settings("dopri5", limit=limit)
        solution = integrate(field, START, times(0.0, 1.0), bounded, adjoint_parameters=[rate])
        (1e6 * solution.states[-1]).sum().backward()
        return solution.nfe

    forward = gradient(10_000)
    backward = len(calls) - forward
    assert backward > forward
    gradient(backward)
    with pytest.raises(SolveError, match=f"needs more than {backward - 1} evaluations"):
        gradient(backward - 1)


def test_failed_assertions_of_the_library_become_solve_errors() -> None:
    with (
        pytest.raises(SolveError, match=r"sample 4 of the batch: dopri5 gave up \(underflow in dt 0.0\)"),
        solver_errors(lambda: 4),
    ):
        raise AssertionError("underflow in dt 0.0")


@pytest.mark.parametrize(
    "bad", [[0.0], [0.0, 0.0], [0.0, 1.0, 0.5], [0.0, math.nan], [[0.0, 1.0]], [0.0, 1.0, 1.0], [0.0, math.inf]]
)
def test_refuses_times_that_are_not_monotone(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="`times` must be at least two numbers, strictly increasing or decreasing"):
        integrate(oscillator, START, torch.tensor(bad), settings("rk4"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"solver": "rk5"}, "`solver` must be one of dopri5, euler, midpoint, rk4, but got 'rk5'"),
        ({"steps": 0}, "`steps >= 1` must hold, but got 0"),
        ({"max_evaluations": 0}, "`max_evaluations >= 1` must hold, but got 0"),
        ({"rtol": 0.0}, "`rtol > 0` must hold, but got 0.0"),
        ({"atol": math.nan}, "`atol > 0` must hold, but got nan"),
    ],
)
def test_refuses_settings_out_of_range(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SolverSettings(**change)  # type: ignore[arg-type]


@FIXED
def test_tableaus_are_consistent(solver: str) -> None:
    tableau = TABLEAUS[solver]
    assert math.isclose(sum(tableau.weights), 1.0)
    for node, row in zip(tableau.nodes, tableau.matrix, strict=True):
        assert math.isclose(sum(row), node)
