"""Symmetry on arrays: index maps, exact projection, residuals."""

from wallpaper.symmetry.contrast import restored
from wallpaper.symmetry.index_maps import Orbits, group_orbits, orbits_of, permutation, permutations
from wallpaper.symmetry.primitive import project_primitive, pull_back, to_primitive
from wallpaper.symmetry.projection import project, project_onto
from wallpaper.symmetry.residual import residuals
from wallpaper.symmetry.spectrum import SpectralLine, Spectrum, symmetry_spectrum

__all__ = [
    "Orbits",
    "SpectralLine",
    "Spectrum",
    "group_orbits",
    "orbits_of",
    "permutation",
    "permutations",
    "project",
    "project_onto",
    "project_primitive",
    "pull_back",
    "residuals",
    "restored",
    "symmetry_spectrum",
    "to_primitive",
]
