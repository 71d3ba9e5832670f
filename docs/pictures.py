"""Makes the pictures of the documents that need no training: `python -m docs.pictures`.

Here: all 17 groups with their elements, and overlays on pictures drawn without the generator, for docs/symmetry.md;
with them those of `docs.explained` and `docs.gallery`. The tree is `wallpaper relations --tree docs/images/tree.svg`.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from docs import explained, gallery
from docs.paletted import IMAGES, save
from tests.judge.drawn import draw
from wallpaper.judge import analyse
from wallpaper.patterns import generate_pattern
from wallpaper.pictures import element_sheet
from wallpaper.pictures.legend import legible, with_legend
from wallpaper.pictures.overlay import overlay
from wallpaper.pictures.placement import Placement
from wallpaper.plane import GROUP_NAMES

FIRST_SEED, HEIGHT = 20, 560


def groups() -> np.ndarray:
    """One generated pattern of each group with its elements."""
    made = [generate_pattern(name, FIRST_SEED + k, 128) for k, name in enumerate(GROUP_NAMES)]
    return element_sheet({pattern.group: (pattern.pixels, pattern.lattice) for pattern in made})


def identified() -> np.ndarray:
    """Three pictures drawn with a pen, each found from the picture alone and overlaid."""
    rows: list[np.ndarray] = []
    for name, lines in (("p4g", False), ("p31m", True), ("pgg", False)):
        pixels = draw(name, np.random.default_rng([FIRST_SEED, len(rows)]), lines=lines)[0]
        found = analyse(pixels)
        assert found.certificate is not None
        assert found.basis is not None
        assert found.origin is not None
        shown, placement = legible(pixels, Placement(found.basis, found.origin))
        operations = found.certificate.plane_group.operations
        text = f"{found.certificate.group}   {found.certificate.probability:.1%}"
        rows.append(with_legend(overlay(shown, placement, operations), operations, text))
    tall = [Image.fromarray(row) for row in rows]
    equal = [each.resize((round(each.width * HEIGHT / each.height), HEIGHT), Image.Resampling.LANCZOS) for each in tall]
    return np.concatenate([np.asarray(each) for each in equal], axis=1)


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    save("groups.png", groups(), 1328)
    save("identified.png", identified(), 1200)
    explained.make()
    gallery.make()
