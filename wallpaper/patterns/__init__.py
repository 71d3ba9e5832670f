"""Generated patterns: motifs, palettes and designs whose symmetry is exact."""

from wallpaper.patterns.generator import Pattern, generate_pattern
from wallpaper.patterns.palettes import PALETTE_NAMES
from wallpaper.patterns.style import COMPLEXITIES, MOTIF_TYPES

__all__ = ["COMPLEXITIES", "MOTIF_TYPES", "PALETTE_NAMES", "Pattern", "generate_pattern"]
