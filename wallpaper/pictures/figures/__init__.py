"""Figures for reports, run artifacts and the dashboard: matplotlib `Figure`s in one dark theme."""

from wallpaper.pictures.figures.images import contact_sheet, reconstruction_grid, transition_matrix
from wallpaper.pictures.figures.latent import PrincipalPlane, latent_scatter, trajectory_plot
from wallpaper.pictures.figures.spectrum import spectrum_plot
from wallpaper.pictures.figures.style import figure_pixels, save_figure
from wallpaper.pictures.figures.training import loss_curves, pair_heatmap

__all__ = [
    "PrincipalPlane",
    "contact_sheet",
    "figure_pixels",
    "latent_scatter",
    "loss_curves",
    "pair_heatmap",
    "reconstruction_grid",
    "save_figure",
    "spectrum_plot",
    "trajectory_plot",
    "transition_matrix",
]
