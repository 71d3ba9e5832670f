"""Generated patterns: motifs, palettes and designs whose symmetry is exact and certified."""

from wallpaper.patterns.acceptance import FAULTS
from wallpaper.patterns.generator import GENERATOR_VERSION, Pattern, generate_pattern
from wallpaper.patterns.palettes import PALETTE_NAMES
from wallpaper.patterns.style import COMPLEXITIES, MOTIF_TYPES

__all__ = [
    "COMPLEXITIES",
    "FAULTS",
    "GENERATOR_VERSION",
    "MOTIF_TYPES",
    "PALETTE_NAMES",
    "Pattern",
    "generate_pattern",
]
