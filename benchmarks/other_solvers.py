"""The same step by torchode and by diffrax, where they are installed (`pip install wallpaper[benchmarks]`).

torchode solves every row with steps of its own; diffrax runs the dense field, written again in JAX, compiled.
JAX has no part of torch's optimiser: its arm makes a plain gradient step, which is cheaper.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor

from benchmarks.ode_arms import (
    ATOL,
    LAMBDA_SMOOTH,
    LAMBDA_VELOCITY,
    RTOL,
    TIME_POINTS,
    Arm,
    PlainField,
    baseline_loss,
    step_of,
)
from wallpaper.models.ode import TransitionODE
from wallpaper.training.couplings import PairBatch

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")  # JAX reads it once, when it is imported
os.environ.setdefault("JAX_PLATFORMS", "cpu")

try:
    import torchode
except ImportError:
    torchode = None
try:
    import diffrax
    import jax
    import jax.numpy as jnp
except ImportError:
    diffrax = None


def other_arms(ode: TransitionODE, pairs: PairBatch, device: str) -> tuple[dict[str, Arm], list[str]]:
    """Arms of the libraries that are installed, and a sentence on each that is left out."""
    arms, left_out = {}, []
    if torchode is None:
        left_out.append("torchode is not installed: its arm is left out")
    else:
        arms["torchode dopri5, a step size for each row"] = _torchode_arm(ode.to(device), pairs.to(device))
    if diffrax is None:
        left_out.append("diffrax is not installed: its arm is left out")
    elif device != "cpu":
        left_out.append("diffrax is measured on the CPU only: its arm is left out")
    else:
        arms["diffrax dopri5, compiled"] = Arm(diffrax_step(PlainField(ode.cpu(), pairs), *_ends(ode, pairs)), None)
    return arms, left_out


def _ends(ode: TransitionODE, pairs: PairBatch) -> tuple[Tensor, Tensor]:
    return ode.standardise(pairs.z_source), ode.standardise(pairs.z_target)


def _torchode_arm(ode: TransitionODE, pairs: PairBatch) -> Arm:
    field, (start, end) = PlainField(ode, pairs).to(pairs.z_source.device), _ends(ode, pairs)
    term = torchode.ODETerm(field)
    controller = torchode.IntegralController(atol=ATOL, rtol=RTOL, term=term)
    solver = torchode.AutoDiffAdjoint(torchode.Dopri5(term=term), controller).to(start.device)

    def solve(times: Tensor) -> Tensor:
        problem = torchode.InitialValueProblem(y0=start, t_eval=times.expand(len(start), -1))
        path: Tensor = solver.solve(problem).ys.transpose(0, 1)
        return path

    return Arm(step_of(field, partial(baseline_loss, field, start, end, solve)), field.last)


def diffrax_step(field: PlainField, start: Tensor, end: Tensor) -> Callable[[], float]:
    """A compiled step: loss, gradient by checkpointed backpropagation, gradient descent."""
    weights = {name: jnp.asarray(value.detach().numpy()) for name, value in field.state_dict().items()}
    source, target = (jnp.asarray(group.numpy()) for group in (field.source, field.target))
    initial, wanted = jnp.asarray(start.numpy()), jnp.asarray(end.numpy())
    times = jnp.linspace(0.0, 1.0, TIME_POINTS)
    velocity = partial(_velocity, source=source, target=target)

    def loss(weights: dict[str, Any]) -> Any:
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(lambda time, state, weights: velocity(weights, time, state)),
            diffrax.Dopri5(),
            t0=0.0,
            t1=1.0,
            dt0=None,
            y0=initial,
            args=weights,
            saveat=diffrax.SaveAt(ts=times),
            stepsize_controller=diffrax.PIDController(rtol=RTOL, atol=ATOL),
            max_steps=256,
        )
        path = solution.ys
        smoothness = jnp.square(jnp.diff(path, axis=0)).sum(axis=(0, 2)).mean()
        speed = jnp.square(velocity(weights, times[:, None], path)).sum(axis=-1).mean()
        endpoint = jnp.square(path[-1] - wanted).mean()
        return endpoint + LAMBDA_SMOOTH * smoothness + LAMBDA_VELOCITY * speed

    def descend(weights: dict[str, Any]) -> Any:
        value, gradient = jax.value_and_grad(loss)(weights)
        return value, jax.tree.map(lambda weight, slope: weight - 1e-7 * slope, weights, gradient)

    update, state = jax.jit(descend), [weights]

    def step() -> float:
        value, state[0] = jax.block_until_ready(update(state[0]))
        return float(value)

    return step


def _velocity(weights: dict[str, Any], time: Any, state: Any, *, source: Any, target: Any) -> Any:
    """The dense field in JAX: velocities (..., B, d) at times () or (..., 1), states (..., B, d)."""

    def linear(name: str, value: Any) -> Any:
        return value @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    shape = state.shape[:-1]
    moment = linear("time.2", jax.nn.silu(linear("time.0", jnp.broadcast_to(time, shape)[..., None])))
    ends = [jnp.broadcast_to(weights["embedding.weight"][group], (*shape, 32)) for group in (source, target)]
    hidden = jax.nn.silu(linear("first", jnp.concatenate([state, moment, *ends], axis=-1)))
    for k in range(2):
        hidden = hidden + jax.nn.silu(linear(f"residual.{k}", hidden))
    return linear("out", jax.nn.silu(linear("last", hidden)))
