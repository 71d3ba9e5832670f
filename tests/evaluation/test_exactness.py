from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import torch

from tests.tiny import tiny_model
from wallpaper.data import Latents, PatternStore
from wallpaper.evaluation import exactness
from wallpaper.evaluation.codes import encode, first_of_each
from wallpaper.evaluation.exactness import measure_decoded, measure_frames
from wallpaper.models.transition_model import TransitionModel
from wallpaper.models.vae import SymmetryVAE
from wallpaper.plane import Op, align

FOREIGN = (Op.parse("x,y"), Op.parse("-y,x"), Op.parse("x+1/2,y"))


@pytest.fixture(scope="module")
def latents(model: TransitionModel, store: PatternStore) -> Latents:
    return encode(model.vae, store, first_of_each(store, "test", 2), lambda: None).latents()


def nothing() -> None:
    """A tick."""


def test_symmetry_is_exact(model: TransitionModel, latents: Latents) -> None:
    ticks: list[int] = []
    decoded = measure_decoded(model.vae, latents, nothing)
    frames = measure_frames(model, latents, lambda: ticks.append(1))
    assert decoded.residual == decoded.residual_uint8 == 0
    assert frames.residual_first == frames.residual_last == frames.residual_inner == 0
    assert frames.pairs == len(ticks) == 272


def test_images_that_are_not_projected_are_found(latents: Latents) -> None:
    vae = tiny_model().vae
    vae.decode = lambda latent, group: vae.decode_plain(latent)  # type: ignore[method-assign]
    decoded = measure_decoded(vae, latents, nothing)
    assert decoded.residual > 1e-3
    assert decoded.residual_uint8 >= 1


@pytest.mark.parametrize("member", ["first", "last", "inner"])
def test_frames_whose_symmetry_is_not_exact_are_found(
    member: str, model: TransitionModel, latents: Latents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each figure is seen above 0 where its own operations are another group's, and the other two stay 0."""
    patched: dict[str, tuple[str, Callable[..., object]]] = {
        "first": ("primitive_operations", lambda name: FOREIGN),
        "last": ("align", lambda source, target: _Foreign(align(source, target), target_operations=FOREIGN)),
        "inner": ("align", lambda source, target: _Foreign(align(source, target), common=FOREIGN)),
    }
    monkeypatch.setattr(exactness, *patched[member])
    few = latents.take((latents.labels < 4).nonzero()[:, 0])
    frames = measure_frames(model, few, nothing)
    for name in ("first", "last", "inner"):
        assert (getattr(frames, f"residual_{name}") > 1e-3) == (name == member)


def test_the_judge_counts_what_has_exactly_its_group(
    model: TransitionModel, latents: Latents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each figure is the judge's, not the projection's: told that all is p2 it drops to p2's share."""
    monkeypatch.setattr(exactness, "identify", lambda pixels, lattice: _Named("p2"))
    frames = measure_frames(model, latents, nothing)
    assert measure_decoded(model.vae, latents, nothing).judged == pytest.approx(1 / 17)
    assert frames.judged_first == pytest.approx(1 / 17)
    assert frames.judged_last == pytest.approx(16 / 272)


def test_a_flat_image_has_no_group(model: TransitionModel, latents: Latents) -> None:
    vae: SymmetryVAE = tiny_model().vae
    vae.decode = lambda latent, group: torch.full((len(latent), 3, 32, 32), 0.5)  # type: ignore[method-assign]
    assert measure_decoded(replace(model, vae=vae).vae, latents, nothing).judged == 0


@dataclass
class _Named:
    """A certificate as far as it is read."""

    group: str


class _Foreign:
    """An alignment with some of its operations replaced."""

    def __init__(self, base: object, **changes: object) -> None:
        self._base, self._changes = base, changes

    def __getattr__(self, name: str) -> object:
        return self._changes[name] if name in self._changes else getattr(self._base, name)
