"""Makes the pictures of docs/gallery.md with the model that comes with the package: `python -m docs.gallery`.

Animated WebP, a few frames each: the eight together are smaller than one GIF.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from wallpaper.cli.places import SHIPPED
from wallpaper.models.transition_model import TransitionModel
from wallpaper.transition import CANONICAL, pictures, transition_from_seed

FOLDER = Path(__file__).parent / "images" / "gallery"
N_FRAMES, SIZE, CELLS, SECONDS, QUALITY = 25, 200, 2.0, 3.0, 60

SEEDS = (23, 22, 25, 20, 31, 26, 27, 24)
"""Of the eight source patterns: each with colours of its own."""


def make() -> None:
    """Write the eight animations; each rests at both ends."""
    FOLDER.mkdir(exist_ok=True)
    model = TransitionModel.load(SHIPPED)
    for (source, target), seed in zip(CANONICAL, SEEDS, strict=True):
        result = transition_from_seed(model, source, target, seed=seed, n_frames=N_FRAMES)
        frames = [Image.fromarray(each) for each in pictures(result, size=SIZE, cells=CELLS)]
        step = round(1000 * SECONDS / N_FRAMES)
        rests = [6 * step if index in (0, N_FRAMES - 1) else step for index in range(N_FRAMES)]
        first, *rest = frames
        path = FOLDER / f"{source}_to_{target}.webp"
        first.save(path, save_all=True, append_images=rest, duration=rests, loop=0, quality=QUALITY, method=4)


if __name__ == "__main__":
    make()
