"""Where a search looks for data and a trained VAE, and where it keeps itself, unless it is told.

Paths from the working folder; loads nothing.
"""

from __future__ import annotations

from pathlib import Path

DATA, DEMO_DATA = Path("data/patterns.h5"), Path("output/demo/patterns.h5")
VAE_RUNS, DEMO_VAE = Path("output/vae"), Path("output/demo/vae")
STORAGE = Path("output/search")
