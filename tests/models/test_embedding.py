from __future__ import annotations

import pytest
import torch

from wallpaper.models.embedding import GroupEmbedding
from wallpaper.plane import FEATURES, GROUP_NAMES, embedding_features, plane_group


def embedding(dim: int = 32, seed: int = 0) -> GroupEmbedding:
    return GroupEmbedding(dim, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", GROUP_NAMES)
@pytest.mark.parametrize("dim", [12, 32, 40])
def test_known_features_come_first_for_every_group(name: str, dim: int) -> None:
    row = embedding(dim)(torch.tensor([GROUP_NAMES.index(name)]))[0]
    assert row.shape == (dim,)
    torch.testing.assert_close(row[:FEATURES], torch.tensor(embedding_features(plane_group(name))))


def test_all_groups_start_apart_and_the_generator_decides() -> None:
    rows = embedding()(torch.arange(17))
    distance = torch.cdist(rows, rows) + torch.eye(17)
    assert distance.min() > 0.1
    assert torch.equal(rows, embedding()(torch.arange(17)))
    assert not torch.equal(rows, embedding(seed=1)(torch.arange(17)))


def test_every_number_of_a_used_group_learns() -> None:
    module = embedding()
    module(torch.tensor([3, 3, 5])).sum().backward()
    assert module.weight.grad is not None
    assert module.weight.grad.sum(dim=1).tolist() == [64.0 if g == 3 else 32.0 if g == 5 else 0.0 for g in range(17)]


def test_refuses_too_few_dimensions() -> None:
    with pytest.raises(ValueError, match=r"`embedding_dim >= 12` must hold.*got 11"):
        GroupEmbedding(11)


@pytest.mark.parametrize("index", [-1, 17])
def test_refuses_groups_that_do_not_exist(index: int) -> None:
    with pytest.raises(IndexError):
        embedding()(torch.tensor([index]))
