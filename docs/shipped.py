"""Puts a trained model into the package, in half precision, with a card of its figures.

`python -m docs.shipped output/ode/RUN/model --data data/champion/patterns.h5` after the commands that the card names.
The figures are those of the rounded weights, as users get them.
"""

from __future__ import annotations

from pathlib import Path

import click

from wallpaper.cli.places import SHIPPED
from wallpaper.cli.progress import bar
from wallpaper.data import PatternStore
from wallpaper.evaluation import evaluate, table
from wallpaper.models.transition_model import TransitionModel
from wallpaper.training.whole_model import never_trained_pairs

CARD = """# The model that comes with wallpaper

A symmetric VAE and a neural ODE dz/dt = f(z, t, e_source, e_target) over its latents: transitions between the 17 plane
groups, `wallpaper transition p1 p6m -o out.gif`. MIT licence, as the package.

Trained on patterns of the package's own generator, on two CPU cores:

    wallpaper generate --per-group 500 --size 64 --seed 1 -o data/champion/patterns.h5
    wallpaper train-vae --preset champion --data data/champion/patterns.h5
    wallpaper train-ode --preset champion --data data/champion/patterns.h5
    python -m docs.shipped output/ode/RUN/model --data data/champion/patterns.h5

{sizes} Weights are
float16, {megabytes:.1f} MB in all; they are computed with in float32.

Figures of `wallpaper evaluate --model shipped --data data/champion/patterns.h5`, on patterns that no training saw:

```
{table}
```

Symmetry is exact by construction and does not depend on the training. The model knows patterns like the generator's:
motifs, palettes, 64 x 64 samples a cell. Other pictures come back softer. It is no judge of symmetry: that is
`wallpaper identify`.
"""


@click.command()
@click.argument("model", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--data", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True)
def main(model: Path, data: Path) -> None:
    """Ship the trained MODEL: write wallpaper/shipped/."""
    TransitionModel.load(model).save(SHIPPED, half=True)
    shipped = TransitionModel.load(SHIPPED)
    for path in SHIPPED.iterdir():
        path.chmod(0o644)
    with bar("evaluating", "%") as move:
        found = evaluate(shipped, PatternStore(data), never_trained=never_trained_pairs(shipped), progress=move)
    parts = {"VAE": shipped.vae, "ODE": shipped.ode}
    counts = [f"{sum(p.numel() for p in part.parameters()):,} parameters of the {name}" for name, part in parts.items()]
    size = sum(path.stat().st_size for path in SHIPPED.glob("*.safetensors")) / 1e6
    sizes = f"{shipped.vae.latent_dim} latents, {' and '.join(counts)}."
    (SHIPPED / "CARD.md").write_text(CARD.format(sizes=sizes, megabytes=size, table=table(found)), encoding="utf-8")
    click.echo(f"{SHIPPED}: {size:.1f} MB\n{table(found)}")


if __name__ == "__main__":
    main()
