"""The networks: the symmetric VAE and the latent ODE between groups. They know nothing about training."""

from wallpaper.models.vae import SymmetryVAE, TorusConvTranspose2d, VaeSettings, reparameterise

__all__ = ["SymmetryVAE", "TorusConvTranspose2d", "VaeSettings", "reparameterise"]
