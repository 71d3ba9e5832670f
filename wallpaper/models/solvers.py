"""Initial value problems dz/dt = f(t, z) for batches of paths: fixed steps, and adaptive dopri5.

Fixed steps treat every row alone, so a path does not depend on its batch, and give any number of output
times by cubic Hermite interpolation for the same evaluations (Hairer, Norsett, Wanner, *Solving Ordinary
Differential Equations I*, II.1 and II.6). dopri5 is torchdiffeq's; its step size couples the rows of a
batch. Every failure becomes a `SolveError` that names the row. Knows no groups, no networks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import torch
from torch import Tensor
from torchdiffeq import odeint, odeint_adjoint

Field: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""f(t (), z (B, d)) -> dz/dt (B, d)."""


@dataclass(frozen=True, slots=True)
class Tableau:
    """An explicit Runge-Kutta method: k_i = f(t + c_i h, z + h sum_j a_ij k_j), z' = z + h sum_i b_i k_i."""

    order: int
    nodes: tuple[float, ...]
    """c."""
    matrix: tuple[tuple[float, ...], ...]
    """a, the rows below the diagonal."""
    weights: tuple[float, ...]
    """b."""


TABLEAUS = {
    "euler": Tableau(1, (0.0,), ((),), (1.0,)),
    "midpoint": Tableau(2, (0.0, 0.5), ((), (0.5,)), (0.0, 1.0)),
    "rk4": Tableau(4, (0.0, 0.5, 0.5, 1.0), ((), (0.5,), (0.0, 0.5), (0.0, 0.0, 1.0)), (1 / 6, 1 / 3, 1 / 3, 1 / 6)),
}
SOLVERS = ("dopri5", *TABLEAUS)


class SolveError(RuntimeError):
    """A path cannot be computed: the field is not finite, blows up, or is too stiff.

    `sample` is the row of the batch to blame, None where it is not known; `reason` says why.
    """

    def __init__(self, reason: str, sample: int | None = None) -> None:
        super().__init__(reason if sample is None else f"sample {sample} of the batch: {reason}")
        self.reason = reason
        self.sample = sample


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Paths at the requested times."""

    states: Tensor
    """(T, B, d)."""
    nfe: int
    """Evaluations of the field, each for the whole batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SolverSettings:
    """Which method, and how fine. Raises: ValueError: an unknown method or a number out of range."""

    solver: str = "dopri5"
    steps: int = 8
    """Equal steps over the whole time span; only fixed-step methods."""
    rtol: float = 1e-4
    atol: float = 1e-5
    """Tolerances of one dopri5 step, in units of the state."""
    max_evaluations: int = 10_000
    """A solve that needs more is given up: a stiff field would otherwise hang dopri5."""

    def __post_init__(self) -> None:
        if self.solver not in SOLVERS:
            raise ValueError(f"`solver` must be one of {', '.join(SOLVERS)}, but got {self.solver!r}")
        for name in ("steps", "max_evaluations"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name} >= 1` must hold, but got {getattr(self, name)}")
        for name in ("rtol", "atol"):
            if not getattr(self, name) > 0:
                raise ValueError(f"`{name} > 0` must hold, but got {getattr(self, name)}")


def integrate(
    field: Field,
    initial: Tensor,
    times: Tensor,
    settings: SolverSettings,
    *,
    adjoint_parameters: Sequence[Tensor] | None = None,
) -> Solution:
    """Solve dz/dt = field(t, z), z(times[0]) = initial.

    Differentiable in `initial` and in what the field uses, by backpropagation through the steps.

    Args:
        initial: (B, d), floating point.
        times: (T,), T >= 2, strictly increasing or decreasing.
        adjoint_parameters: dopri5 only: take gradients by the adjoint equation instead (Chen et al.,
            *Neural Ordinary Differential Equations*, 2018, algorithm 1). Must list every tensor that the field
            depends on and that needs a gradient: any other gets none.
    Raises: ValueError: times that are not monotone, or an adjoint for fixed steps. SolveError: see there.
    """
    moments = _monotone(times)
    _check_rows(initial, "starts at a value that is not finite")
    counted = _CountedField(field, settings.max_evaluations)
    if settings.solver != "dopri5":
        if adjoint_parameters is not None:
            raise ValueError(f"the adjoint needs solver 'dopri5', but got {settings.solver!r}")
        states = _fixed_steps(counted, initial, moments, TABLEAUS[settings.solver], settings.steps)
    else:
        states = _adaptive(counted, initial, times, settings, adjoint_parameters)
    nfe = counted.calls
    counted.calls = 0  # the adjoint's backward pass counts anew
    _check_rows(states.transpose(0, 1), "leaves the finite numbers on its way")
    return Solution(states, nfe)


@contextmanager
def solver_errors(suspect: Callable[[], int | None] = lambda: None) -> Iterator[None]:
    """Turn torchdiffeq's failed assertions inside the block into `SolveError`; `suspect` names the row."""
    try:
        yield
    except AssertionError as error:
        raise SolveError(f"dopri5 gave up ({error}): the field blows up or is not finite", suspect()) from error


class _CountedField:
    """Counts and bounds the evaluations, and remembers enough of them to blame a row for a failure."""

    def __init__(self, field: Field, limit: int) -> None:
        self.calls = 0
        self._field = field
        self._limit = limit
        self._seen: list[Tensor] = []

    def __call__(self, time: Tensor, state: Tensor) -> Tensor:
        if self.calls >= self._limit:
            raise SolveError(f"needs more than {self._limit} evaluations: the field is too stiff", self.suspect())
        self.calls += 1
        velocity = self._field(time, state)
        self._seen = [*self._seen[:1], velocity.detach()]
        return velocity

    def suspect(self) -> int | None:
        """The row whose velocity is not finite, else the fastest one.

        The first evaluation is asked before the last: dopri5 picks its first step from it, and a NaN there
        spoils every row of the next evaluation.
        """
        speeds = [velocity.flatten(1).abs().amax(dim=1).nan_to_num(nan=torch.inf) for velocity in self._seen]
        spoilt = [speed for speed in speeds if bool(speed.isinf().any())]
        return int((spoilt or speeds[-1:])[0].argmax()) if speeds else None


def _monotone(times: Tensor) -> list[float]:
    moments: list[float] = times.tolist() if times.ndim == 1 else []
    steps = {later > earlier for earlier, later in pairwise(moments)}
    if len(steps) != 1 or len(set(moments)) != len(moments) or not bool(times.isfinite().all()):
        raise ValueError(
            f"`times` must be at least two numbers, strictly increasing or decreasing, but got {times.tolist()}"
        )
    return moments


def _check_rows(states: Tensor, what: str) -> None:
    """Raises: SolveError: a row of `states` (B, ...) is not finite."""
    finite = states.detach().flatten(1).isfinite().all(dim=1)
    if not bool(finite.all()):
        raise SolveError(
            f"{what}; are the model's weights and the latents finite?", int(finite.logical_not().nonzero()[0])
        )


def _adaptive(
    field: _CountedField, initial: Tensor, times: Tensor, settings: SolverSettings, adjoint: Sequence[Tensor] | None
) -> Tensor:
    moments = times.to(initial)
    tolerances = {"rtol": settings.rtol, "atol": settings.atol, "method": "dopri5"}
    with solver_errors(field.suspect):
        if adjoint is None:
            return torch.as_tensor(odeint(field, initial, moments, **tolerances))
        return torch.as_tensor(odeint_adjoint(field, initial, moments, adjoint_params=tuple(adjoint), **tolerances))


def _fixed_steps(field: Field, initial: Tensor, times: list[float], tableau: Tableau, steps: int) -> Tensor:
    start, width = times[0], (times[-1] - times[0]) / steps
    inner = sorted({_step_of(time, start, width, steps) for time in times[1:-1]})
    states, slopes = [initial], []
    for step in range(steps):
        slope, state = _step(field, start + step * width, states[-1], width, tableau)
        slopes.append(slope)
        states.append(state)
    if inner and inner[-1] == steps - 1:  # the last interval's interpolant needs the slope at its end
        slopes.append(field(initial.new_tensor(times[-1]), states[-1]))
    between = [_between(states, slopes, time, start, width) for time in times[1:-1]]
    return torch.stack([initial, *between, states[-1]])


def _step(field: Field, time: float, state: Tensor, width: float, tableau: Tableau) -> tuple[Tensor, Tensor]:
    """Slope at the step's begin, state at its end."""
    stages: list[Tensor] = []
    for node, row in zip(tableau.nodes, tableau.matrix, strict=True):
        stages.append(field(state.new_tensor(time + node * width), _moved(state, width, row, stages)))
    return stages[0], _moved(state, width, tableau.weights, stages)


def _moved(state: Tensor, width: float, weights: Sequence[float], stages: Sequence[Tensor]) -> Tensor:
    for weight, stage in zip(weights, stages, strict=True):
        if weight:
            state = torch.add(state, stage, alpha=width * weight)
    return state


def _step_of(time: float, start: float, width: float, steps: int) -> int:
    return min(max(int((time - start) / width), 0), steps - 1)


def _between(states: list[Tensor], slopes: list[Tensor], time: float, start: float, width: float) -> Tensor:
    """Cubic Hermite interpolation within a step (Hairer et al., II.6, equation 6.7); theta in [0, 1]."""
    k = _step_of(time, start, width, len(states) - 1)
    theta = (time - start) / width - k
    straight = torch.lerp(states[k], states[k + 1], theta)
    rise = states[k + 1] - states[k]
    bend = (1 - 2 * theta) * rise + (theta - 1) * width * slopes[k] + theta * width * slopes[k + 1]
    return straight + theta * (theta - 1) * bend
