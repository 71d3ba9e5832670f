"""The networks: the symmetric VAE and the latent ODE between groups. They know nothing about training."""

from wallpaper.models.backbones import TorusConvTranspose2d
from wallpaper.models.vae import SymmetryVAE, VaeSettings, reparameterise

__all__ = ["SymmetryVAE", "TorusConvTranspose2d", "VaeSettings", "reparameterise"]
