from __future__ import annotations

import pytest
import torch

from tests.tiny import LATENT, SIDE
from wallpaper.data import PatternStore
from wallpaper.evaluation.codes import Codes, encode, first_of_each
from wallpaper.evaluation.invariance import Invariance, measure_invariance, normaliser_rows, operation_rows
from wallpaper.models.transition_model import TransitionModel
from wallpaper.models.vae import SymmetryVAE
from wallpaper.plane import PLANE_GROUPS, PlaneGroup
from wallpaper.symmetry import project, residuals
from wallpaper.training.augment import move

ALL = pytest.mark.parametrize("group", PLANE_GROUPS.values(), ids=lambda group: group.name)


def measured(vae: SymmetryVAE, store: PatternStore) -> Invariance:
    codes = codes_of(vae, store)
    return measure_invariance(vae, store, codes, generator=torch.Generator().manual_seed(0), tick=lambda: None)


def codes_of(vae: SymmetryVAE, store: PatternStore) -> Codes:
    return encode(vae, store, first_of_each(store, "test", 2), lambda: None)


@ALL
def test_moves_of_the_normaliser_keep_the_group_and_change_the_pattern(group: PlaneGroup) -> None:
    pattern = project(torch.rand(1, 1, 12, 12, generator=torch.Generator().manual_seed(0)), group.index)
    for rows in normaliser_rows(group.name, 12):
        for row in rows:
            moved = move(pattern, row[None])
            assert residuals(moved.numpy(), group.operations).max() == 0
            assert not torch.equal(moved, pattern)


@ALL
def test_operations_do_not_change_the_pattern(group: PlaneGroup) -> None:
    pattern = project(torch.rand(1, 1, 12, 12, generator=torch.Generator().manual_seed(0)), group.index)
    rows = operation_rows(group.operations, 12)
    assert len(rows) == len(group.operations)
    assert all(torch.equal(move(pattern, row[None]), pattern) for row in rows)


def test_there_are_moves_where_international_tables_has_some() -> None:
    """Table 3.5.2.3: p6m is its own normaliser, p1's origin is free, p4m's may go to (1/2, 1/2)."""
    assert [len(rows) for rows in normaliser_rows("p6m", 12)] == [0, 0]
    assert len(normaliser_rows("p1", 12)[0]) == 143
    assert normaliser_rows("p4m", 12)[0].tolist() == [[1, 0, 0, 1, 6, 6]]


def test_pooling_makes_the_mean_invariant(model: TransitionModel, store: PatternStore) -> None:
    found = measured(model.vae, store)
    assert max(found.operations, found.operations_of_noise) <= 1e-5
    assert min(found.origin_shifts, found.axis_changes) > 0.01


def test_without_pooling_noise_tells(store: PatternStore) -> None:
    """Patterns that are symmetric hide it: only what the operations change shows what the encoder does."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        vae = SymmetryVAE(
            resolution=SIDE, latent_dim=LATENT, hidden_dims=(8, 16, 16), pool="flatten", symmetry_pooling=False
        ).eval()
    found = measured(vae, store)
    assert found.operations <= 1e-5
    assert found.operations_of_noise > 1e-3
