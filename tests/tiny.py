"""A model too small and too untrained to know anything, for tests of what must hold with any weights."""

from __future__ import annotations

import torch

from wallpaper.models.ode import TransitionODE
from wallpaper.models.transition_model import TransitionModel
from wallpaper.models.vae import Head, SymmetryVAE

SIDE, LATENT = 32, 4

CONTRAST = 40.0
"""Factor on the decoder's last layer: untrained fields are almost flat."""


def tiny_model(head: Head = "rgb", *, latent_dim: int = LATENT, seed: int = 0) -> TransitionModel:
    """The same weights for the same arguments; 32 samples a side, with fields and paths that are not flat."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        vae = SymmetryVAE(resolution=SIDE, latent_dim=latent_dim, hidden_dims=(8, 16, 16), pool="flatten", head=head)
        ode = TransitionODE(latent_dim=latent_dim, hidden_dim=16)
        vae.decoder[-1].weight.mul_(CONTRAST)  # type: ignore[operator]
        vae.decoder[-1].bias.zero_()  # type: ignore[operator]
        for head_layer in (vae.mean_head[-1], vae.expand[0], ode.function.out):
            head_layer.weight.mul_(4)  # type: ignore[operator]
    return TransitionModel(vae, ode, {"note": "untrained"})
