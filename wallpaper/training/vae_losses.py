r"""The three terms of the VAE's loss: reconstruction + beta KL + lambda_inv invariance.

With a Gaussian likelihood of variance 1/2 the negative evidence lower bound is, up to a constant, the
squared error summed over samples and colours plus the KL divergence summed over latent dimensions
(Kingma and Welling, *Auto-Encoding Variational Bayes* (2014), appendix B and C.2); beta as in Higgins
et al., *beta-VAE* (2017), equation 4.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from wallpaper.models.vae import SymmetryVAE
from wallpaper.training.augment import move, random_symmetry


def reconstruction_term(reconstruction: Tensor, image: Tensor) -> Tensor:
    """Squared error of (B, C, n, n), summed over colours and samples, mean over the batch."""
    return (reconstruction - image).square().flatten(1).sum(1).mean()


def kl_term(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, exp(logvar)) || N(0, 1)) in nats of (B, d), summed over d, mean over the batch."""
    return 0.5 * (mean.square() + logvar.exp() - 1 - logvar).sum(1).mean()


def invariance_term(vae: SymmetryVAE, image: Tensor, mean: Tensor, group: Tensor, generator: torch.Generator) -> Tensor:
    """Squared change of the latent mean (B, d) under a random operation of each sample's group, mean over the batch.

    Zero to rounding with symmetry pooling, by construction; without it, zero as far as images are symmetric.
    """
    return change_of_mean(vae, image, mean, group, random_symmetry(group, image.shape[-1], generator))


def change_of_mean(vae: SymmetryVAE, image: Tensor, mean: Tensor, group: Tensor, moves: Tensor) -> Tensor:
    """Squared change of the latent mean (B, d) under given moves (B, 6), mean over the batch."""
    moved = move(image, moves)
    return (vae.encode(moved, group)[0] - mean).square().sum(1).mean()


class VaeObjective(nn.Module):
    """The terms of the loss of a batch as one module, so that it can be shared among processes, or compiled.

    Args: precision: "bf16" computes the networks' products in bfloat16; the terms themselves are in float32 always.
    """

    def __init__(self, vae: SymmetryVAE, precision: str) -> None:
        super().__init__()
        self.vae, self.precision = vae, precision

    def forward(
        self, image: Tensor, group: Tensor, noise: Tensor, symmetry: Tensor | None = None
    ) -> tuple[dict[str, Tensor], tuple[Tensor, ...]]:
        """Terms, means over the batch, and the (B, ...) tensors that they come of.

        Args:
            image: (B, C, n, n). group: (B,) int64. noise: (B, d) standard normal.
            symmetry: (B, 6) moves under which the mean should stay; without it there is no term "invariance".
        """
        with torch.autocast(image.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            mean, logvar = (part.float() for part in self.vae.encode(image, group))
            reconstruction = self.vae.decode(mean + (0.5 * logvar).exp() * noise, group).float()
            terms = likelihood_terms(image, reconstruction, mean, logvar)
            if symmetry is not None:
                terms["invariance"] = change_of_mean(self.vae, image, mean, group, symmetry)
        return terms, (reconstruction.detach(), mean.detach(), logvar.detach())


def likelihood_terms(image: Tensor, reconstruction: Tensor, mean: Tensor, logvar: Tensor) -> dict[str, Tensor]:
    """Means over the batch: the reconstruction term, the same per value as "mse", and the KL term."""
    summed = reconstruction_term(reconstruction, image)
    return {"reconstruction": summed, "mse": summed / image[0].numel(), "kl": kl_term(mean, logvar)}


def psnr(mse: float) -> float:
    """Peak signal-to-noise ratio in dB for values in [0, 1]; at most 120, so that it stays a number."""
    return -10 * math.log10(max(mse, 1e-12))
