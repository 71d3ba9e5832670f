"""Whether a transition lands in its target group although nobody says which: the label is withheld.

Where the decoder is told the group, its image has it whatever the latent is. So the end latent is decoded without
projection and judged on both holohedries, or classified among latents. Real latents of the groups, the control, say
what the two ways can find at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from wallpaper.data import PatternStore
from wallpaper.evaluation.classifier import GaussianClassifier
from wallpaper.evaluation.codes import Codes
from wallpaper.judge import Certificate, identify
from wallpaper.models.vae import SymmetryVAE
from wallpaper.plane import GROUP_NAMES, Lattice
from wallpaper.training.transport_metrics import Carried

CONTROLS = 4
"""Real latents of each group that are decoded without projection."""

LATTICES = (Lattice.standard("square"), Lattice.standard("hexagonal"))
"""Every group's operations are isometries of one of the two, so trying both tells nothing of the group."""


@dataclass(frozen=True, slots=True)
class Withheld:
    """Shares that are found to be of the group meant."""

    noise: float
    """Standard deviation of the noise that the judge allows for, as a share of full range: the root mean square
    error of the controls' images."""
    judged: float
    """Of end latents, one a pair, decoded without projection."""
    judged_control: float
    """The same of held-out latents, `CONTROLS` of each group."""
    classified: float
    """Of end latents, by `GaussianClassifier` fitted to latents of the train split: mean over the pairs."""
    classified_control: float
    """The same of held-out latents, mean over the groups."""
    classified_pairs: tuple[float, ...]
    """Of each pair, in the order of the table of pairs."""
    chance: float
    """Of a guess."""


def measure_withheld(
    vae: SymmetryVAE, store: PatternStore, train: Codes, held_out: Codes, carried: Carried, tick: Callable[[], None]
) -> Withheld:
    """`tick` is called after each image that is judged: one for each pair, and `CONTROLS` for each group."""
    controls = held_out.first(CONTROLS)
    plain = _plain(vae, controls.mean)
    truth = store.batch(controls.index, side=vae.resolution)
    noise = float((plain - truth).square().mean().sqrt())
    ends = [path[-1] for path in carried.paths()]
    targets = torch.tensor([target for _, target in carried.pairs])
    classifier = GaussianClassifier.fit(train.mean, train.labels)
    pairs = [
        float((classifier.predict(end) == target).double().mean()) for end, target in zip(ends, targets, strict=True)
    ]
    known = classifier.predict(held_out.mean) == held_out.labels
    return Withheld(
        noise=noise,
        judged=_share(_plain(vae, torch.stack([end[0] for end in ends])), targets, noise, tick),
        judged_control=_share(plain, controls.labels, noise, tick),
        classified=sum(pairs) / len(pairs),
        classified_control=float(
            np.mean([float(known[held_out.labels == g].double().mean()) for g in train.labels.unique()])
        ),
        classified_pairs=tuple(pairs),
        chance=1 / len(train.labels.unique()),
    )


def judge_blind(image: Tensor, noise: float) -> str | None:
    """The group of largest order that (3, n, n) samples have on either of `LATTICES`; None for a flat image."""
    samples = np.moveaxis(image.numpy(), 0, -1)
    try:
        found = [identify(samples, lattice, noise=noise) for lattice in LATTICES]
    except ValueError:
        return None
    return max(found, key=_order).group


def _order(found: Certificate) -> tuple[int, float]:
    """Order of the point group; between equals the group that holds better."""
    return len(found.plane_group.point_group), found.weakest_true


def _share(images: Tensor, labels: Tensor, noise: float, tick: Callable[[], None]) -> float:
    right = 0
    for image, label in zip(images, labels.tolist(), strict=True):
        right += judge_blind(image, noise) == GROUP_NAMES[label]
        tick()
    return right / len(images)


@torch.no_grad()
def _plain(vae: SymmetryVAE, latents: Tensor) -> Tensor:
    return torch.cat([vae.decode_plain(some) for some in latents.split(64)])
