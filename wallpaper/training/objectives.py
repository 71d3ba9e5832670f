r"""What the transition field is trained on.

`trajectory_terms` are the three terms of the objective endpoint, through the solver: an endpoint error, the smoothness
:math:`\sum_i |z(t_{i+1}) - z(t_i)|^2` and the velocity :math:`|dz/dt|^2`. `flow_loss` is conditional flow
matching along straight lines (Lipman et al., *Flow Matching for Generative Modeling*, 2023; Tong et al.,
2024, section 3.2): one evaluation, no solver. All in unit scale. Knows no loop.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from wallpaper.models.ode import TransitionODE
from wallpaper.training.couplings import PairBatch


@dataclass(frozen=True, slots=True, eq=False)
class TrajectoryTerms:
    """Scalars of a batch of paths; the first three can be differentiated."""

    endpoint: Tensor
    """Mean squared error of z(1), over pairs and coordinates."""
    smoothness: Tensor
    """Mean over paths of the sum of squared steps: grows with the latent dimension."""
    velocity: Tensor
    """Mean over paths and times of the squared speed."""
    length: Tensor
    """Mean length of a path, in the scale of the latents; detached."""
    nfe: int
    """Evaluations of the field that the forward solve needed."""

    def total(self, lambda_smooth: float, lambda_velocity: float) -> Tensor:
        """The loss: endpoint + lambda_smooth * smoothness + lambda_velocity * velocity."""
        return self.endpoint + lambda_smooth * self.smoothness + lambda_velocity * self.velocity


def trajectory_terms(ode: TransitionODE, pairs: PairBatch, times: Tensor) -> TrajectoryTerms:
    """Solve from the sources and compare with the targets.

    Args:
        times: (T,) from 0 to 1, where the path is looked at.
    Raises: SolveError: a path cannot be computed.
    """
    path = ode.solve(pairs.z_source, pairs.source, pairs.target, times)
    states = ode.standardise(path.latents)
    rows = torch.arange(len(pairs), device=states.device).repeat(len(times))
    moments = path.times.repeat_interleave(len(pairs))
    velocity = ode.field(pairs.source[rows], pairs.target[rows])(moments, states.flatten(0, 1))
    return TrajectoryTerms(
        endpoint=functional.mse_loss(states[-1], ode.standardise(pairs.z_target)),
        smoothness=states.diff(dim=0).square().sum(dim=(0, 2)).mean(),
        velocity=velocity.square().sum(dim=1).mean(),
        length=path.length.detach().mean(),
        nfe=path.nfe,
    )


def flow_loss(ode: TransitionODE, pairs: PairBatch, time: Tensor) -> Tensor:
    """Mean squared error of the field on the straight line between each pair, at times (P,) in [0, 1]."""
    start, end = ode.standardise(pairs.z_source), ode.standardise(pairs.z_target)
    states = torch.lerp(start, end, time[:, None])
    velocity = ode.field(pairs.source, pairs.target)(time, states)
    return functional.mse_loss(velocity, end - start)
