from __future__ import annotations

import pytest
import torch
from torch import Tensor

from wallpaper.data import PatternStore
from wallpaper.evaluation import withheld
from wallpaper.evaluation.codes import Codes, encode, first_of_each
from wallpaper.evaluation.withheld import CONTROLS, judge_blind, measure_withheld
from wallpaper.models.ode import Trajectory
from wallpaper.models.transition_model import TransitionModel
from wallpaper.patterns import generate_pattern
from wallpaper.plane import GROUP_NAMES
from wallpaper.training.transport_metrics import Carried, all_pairs

STEP = 1 / 255
"""Noise that 8 bits may hide."""


def pattern(group: str, seed: int = 0) -> Tensor:
    return torch.from_numpy(generate_pattern(group, seed, 48).pixels).permute(2, 0, 1).float() / 255


@pytest.mark.parametrize("group", GROUP_NAMES)
def test_a_pattern_s_group_is_found_without_its_lattice(group: str) -> None:
    assert judge_blind(pattern(group), STEP) == group


def test_a_flat_image_has_no_group_and_noise_has_none_but_p1() -> None:
    assert judge_blind(torch.full((3, 32, 32), 0.5), STEP) is None
    assert judge_blind(torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0)), STEP) == "p1"


def separate(count: int, seed: int) -> Codes:
    """Group g lies around 10 g on the first axis."""
    labels = torch.arange(17).repeat_interleave(count)
    mean = torch.randn(len(labels), 4, generator=torch.Generator().manual_seed(seed))
    mean[:, 0] += 10 * labels
    return Codes(mean, torch.zeros_like(mean), labels, torch.arange(len(labels)))


def carried(codes: Codes, *, arrives: bool) -> Carried:
    """Paths that end at latents of the target, or stay where they begin."""
    pairs = tuple(all_pairs(range(17)))
    ends = [codes.mean[codes.labels == pair[int(arrives)]] for pair in pairs]
    return Carried(pairs, tuple(map(len, ends)), Trajectory(torch.zeros(1), torch.cat(ends)[None], 1))


def test_latents_that_arrive_are_classified_and_others_are_not(
    model: TransitionModel, store: PatternStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(withheld, "judge_blind", lambda image, noise: "p2")
    train, held_out = separate(30, 0), separate(2, 1)
    ticks: list[int] = []
    found = measure_withheld(
        model.vae, store, train, held_out, carried(held_out, arrives=True), lambda: ticks.append(1)
    )
    assert len(ticks) == 272 + 2 * 17, "no more controls than there are latents"
    assert (found.classified, found.classified_control) == (1.0, 1.0)
    assert found.chance == pytest.approx(1 / 17)
    assert found.judged == pytest.approx(16 / 272)
    assert found.judged_control == pytest.approx(1 / 17)
    stayed = measure_withheld(model.vae, store, train, held_out, carried(held_out, arrives=False), lambda: None)
    assert stayed.classified == 0
    assert stayed.classified_pairs == (0.0,) * 272


def test_the_noise_is_the_error_of_images_without_projection(model: TransitionModel, store: PatternStore) -> None:
    codes = encode(model.vae, store, first_of_each(store, "test", CONTROLS), lambda: None)
    found = measure_withheld(model.vae, store, codes, codes, carried(codes, arrives=True), lambda: None)
    with torch.no_grad():
        errors = [
            (model.vae.decode_plain(mean[None])[0] - store.batch([int(index)])[0]).square().mean()
            for mean, index in zip(codes.mean, codes.index, strict=True)
        ]
    assert found.noise == pytest.approx(float(torch.stack(errors).mean().sqrt()), rel=1e-5)
