"""Projection onto a group's symmetry: exact, orthogonal, batched, differentiable."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tests.conftest import ALL_GROUPS
from tests.plane.printed import CENTRED, GENERAL_POSITIONS
from wallpaper.plane import PLANE_GROUPS, Op, PlaneGroup, align
from wallpaper.symmetry import permutations, project, project_onto

ATOL = 1e-12
"""A mean of at most 12 numbers below 1e3, in float64."""

SIDES = pytest.mark.parametrize("side", [12, 16])
DTYPES = pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.uint8, torch.int32], ids=str
)
seeds = st.integers(0, 2**32 - 1)


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Uniform in [0, 1) for floats, integers in 0-255 otherwise."""
    values = torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return values.to(dtype) if dtype.is_floating_point else (values * 256).to(dtype)


def printed_mean(image: np.ndarray, name: str) -> np.ndarray:
    """The mean of f(g x) over the printed coordinates, evaluated as Python writes them."""
    side = image.shape[-1]
    i, j = np.indices((side, side))
    half = side // 2
    images = []
    for text in GENERAL_POSITIONS[name].split():
        u, v = (eval(part.replace("1/2", "half"), {"x": i, "y": j, "half": half}) for part in text.split(","))
        images.append(image[..., u % side, v % side])
        if name in CENTRED:
            images.append(image[..., (u + half) % side, (v + half) % side])
    return np.mean(images, axis=0)


@SIDES
@ALL_GROUPS
def test_projection_is_the_mean_over_the_printed_operations(group: PlaneGroup, side: int) -> None:
    image = noise(2, 3, side, side)
    expected = printed_mean(image.numpy(), group.name)
    torch.testing.assert_close(project(image, group.index), torch.from_numpy(expected), rtol=0, atol=ATOL)


def test_projection_of_three_groups_by_flips_and_rolls() -> None:
    f = noise(16, 16).numpy()

    def neg(a: np.ndarray, *axes: int) -> np.ndarray:
        return np.roll(np.flip(a, axes), (1,) * len(axes), axes)

    def half(a: np.ndarray, *axes: int) -> np.ndarray:
        return np.roll(a, (8,) * len(axes), axes)

    quarter_turns = [f, neg(f, 0).T, neg(f, 0, 1), neg(f, 1).T]
    by_hand = {
        "p4m": quarter_turns + [a.T for a in quarter_turns],
        "pgg": [f, neg(f, 0, 1), half(neg(f, 0), 0, 1), half(neg(f, 1), 0, 1)],
        "cm": [f, neg(f, 0), half(f, 0, 1), half(neg(f, 0), 0, 1)],
    }
    for name, images in by_hand.items():
        ours = project(torch.from_numpy(f), PLANE_GROUPS[name].index).numpy()
        np.testing.assert_allclose(ours, np.mean(images, axis=0), rtol=0, atol=ATOL)


@SIDES
@DTYPES
@ALL_GROUPS
def test_projection_is_invariant_and_idempotent_bit_for_bit(group: PlaneGroup, dtype: torch.dtype, side: int) -> None:
    image = noise(2, 3, side, side, dtype=dtype)
    symmetric = project(image, group.index)
    assert (symmetric.shape, symmetric.dtype) == (image.shape, dtype)
    flat = symmetric.flatten(-2)
    for index in torch.from_numpy(permutations(group.operations, side)):
        assert torch.equal(flat[..., index], flat)
    assert torch.equal(project(symmetric, group.index), symmetric)


@SIDES
@ALL_GROUPS
def test_projection_changes_noise_unless_nothing_is_asked(group: PlaneGroup, side: int) -> None:
    image = noise(side, side)
    assert torch.equal(project(image, group.index), image) == (group.name == "p1")


@ALL_GROUPS
@given(seed=seeds)
def test_projection_keeps_the_mean_and_is_linear(group: PlaneGroup, seed: int) -> None:
    f, g = 1000 * noise(2, 12, 12, seed=seed) - 500
    assert project(f, group.index).mean() == pytest.approx(float(f.mean()), abs=500 * ATOL)
    combined = project(2 * f - 3 * g, group.index)
    separate = 2 * project(f, group.index) - 3 * project(g, group.index)
    torch.testing.assert_close(combined, separate, rtol=0, atol=5000 * ATOL)


@ALL_GROUPS
@given(seed=seeds)
def test_projection_is_self_adjoint_and_shrinks(group: PlaneGroup, seed: int) -> None:
    f, g = noise(2, 12, 12, seed=seed) - 0.5
    left, right = (project(f, group.index) * g).sum(), (f * project(g, group.index)).sum()
    assert float(left) == pytest.approx(float(right), abs=100 * ATOL)
    assert project(f, group.index).norm() <= f.norm() + ATOL


def test_integers_are_rounded_to_the_nearest_mean() -> None:
    image = noise(3, 12, 12, dtype=torch.uint8)
    for group in PLANE_GROUPS.values():
        exact = project(image.double(), group.index)
        assert (project(image, group.index).double() - exact).abs().max() <= 0.5


@SIDES
def test_a_mixed_batch_is_every_image_alone(side: int) -> None:
    batch = noise(34, 3, side, side, dtype=torch.float32)
    labels = torch.randperm(34, generator=torch.Generator().manual_seed(1)) % 17
    together = project(batch, labels)
    for image, label, result in zip(batch, labels.tolist(), together, strict=True):
        assert torch.equal(project(image, label), result)


def test_an_empty_batch_stays_empty() -> None:
    assert project(torch.zeros(0, 3, 8, 8), torch.zeros(0, dtype=torch.int64)).shape == (0, 3, 8, 8)


@ALL_GROUPS
def test_gradients_agree_with_differences(group: PlaneGroup) -> None:
    image = noise(1, 2, 4, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: project(x, torch.tensor([group.index])), (image,))
    assert torch.autograd.gradgradcheck(lambda x: project(x, torch.tensor([group.index])).square(), (image,))


def test_the_gradient_is_the_projection_of_what_comes_back() -> None:
    image, weight = noise(17, 2, 12, 12).requires_grad_(), noise(17, 2, 12, 12, seed=1)
    project(image, torch.arange(17)).backward(weight)
    expected = [printed_mean(one.numpy(), name) for one, name in zip(weight, PLANE_GROUPS, strict=True)]
    torch.testing.assert_close(image.grad, torch.from_numpy(np.stack(expected)), rtol=0, atol=ATOL)


@ALL_GROUPS
def test_project_onto_operations_is_project(group: PlaneGroup) -> None:
    image = noise(3, 12, 12)
    assert torch.equal(project_onto(image, group.operations), project(image, group.index))


def test_common_subgroup_survives_both_projections_of_an_alignment() -> None:
    """What a transition stands on: any blend of the two projections keeps the common operations exactly."""
    alignment = align("p4m", "p6m")
    image = noise(3, 16, 16)
    source = project_onto(image, align("p4m", "p4m").common)
    target = project_onto(image, alignment.target_operations)
    blend = (0.6 * source + 0.4 * target).flatten(-2)
    assert alignment.order > 1
    for index in torch.from_numpy(permutations(alignment.common, 16)):
        assert torch.equal(blend[..., index], blend)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU in this machine")
def test_the_gpu_gives_the_cpus_answer() -> None:
    batch, labels = noise(17, 3, 16, 16, dtype=torch.float32), torch.arange(17)
    on_gpu = project(batch.cuda(), labels.cuda())
    torch.testing.assert_close(on_gpu.cpu(), project(batch, labels), rtol=0, atol=1e-6)
    assert torch.equal(project(on_gpu, labels.cuda()), on_gpu)


@pytest.mark.parametrize("shape", [(8,), (3, 8, 6)])
def test_images_must_be_square(shape: tuple[int, ...]) -> None:
    for call in (lambda image: project(image, 0), lambda image: project_onto(image, (Op.parse("x,y"),))):
        with pytest.raises(ValueError, match=r"an image must be \(\.\.\., n, n\), but got \("):
            call(torch.zeros(shape))


@pytest.mark.parametrize("index", [-1, 17, 400])
def test_indices_must_name_a_group(index: int) -> None:
    for group in (index, torch.tensor([0, index])):
        with pytest.raises(ValueError, match=rf"a group index must be in 0\.\.16, but got .*{index}"):
            project(torch.zeros(2, 3, 8, 8), group)


@pytest.mark.parametrize(("shape", "labels"), [((2, 3, 8, 8), [0, 1, 2]), ((3, 8, 8), [0, 1, 2])])
def test_labels_must_match_the_batch(shape: tuple[int, ...], labels: list[int]) -> None:
    with pytest.raises(ValueError, match=r"`group` must be \(B,\) for an image \(B, C, n, n\), but got \(3,\) for \("):
        project(torch.zeros(shape), torch.tensor(labels))


def test_odd_sides_are_refused() -> None:
    with pytest.raises(ValueError, match="`side % 2 == 0 and side > 0` must hold"):
        project(torch.zeros(7, 7), 3)
