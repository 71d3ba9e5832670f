"""The model card of a registered version: what it is, where it comes from, how good it was found, what it is not for.

Text only. A card that lies in the model's folder follows whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from serving.images import MOST_IMAGE_BYTES, MOST_IMAGE_PIXELS
from serving.requests import MOST_FRAMES, MOST_ROWS, N_FRAMES, SIZES

OWN_CARD = "CARD.md"
"""In a model's folder: what its makers wrote."""

_ABOUT = """# {name}

Transitions between the 17 plane groups: a symmetric VAE and a neural ODE over its latents. First and last frame have
exactly the groups asked for, every frame their common subgroup; that holds by construction, whatever the weights.

| | |
|---|---|
| MLflow run | {run_id} |
| weights, SHA-256 in short | {digest} |
| dataset it learned from | {data_digest} |
| samples packed with it | {samples_digest} |
| code | wallpaper {wallpaper} |
"""

_LIMITS = f"""
A request may have {MOST_ROWS} rows, {MOST_FRAMES} frames in all, {N_FRAMES[0]} to {N_FRAMES[1]} frames of
{SIZES[0]} to {SIZES[1]} pixels a row, and images of {MOST_IMAGE_BYTES} bytes and {MOST_IMAGE_PIXELS} pixels.
Patterns unlike those it learned from come back softer. It is no judge of symmetry: `certify` asks the one there is.
Pictures are computed on the CPU.
"""


def model_card(about: Mapping[str, str], metrics: Mapping[str, float]) -> str:
    """Markdown; `about` names all that the table shows."""
    figures = "".join(f"| {key} | {value:.6g} |\n" for key, value in sorted(metrics.items()))
    found = (
        f"\nEvaluation:\n\n| metric | value |\n|---|---|\n{figures}" if figures else "\nNo evaluation is recorded.\n"
    )
    return _ABOUT.format(**about) + found + _LIMITS


def with_own_card(card: str, folder: Path) -> str:
    """The card, followed by the one in the model's folder."""
    own = folder / OWN_CARD
    return f"{card}\n---\n\n{own.read_text(encoding='utf-8')}" if own.is_file() else card
