"""Transitions of all 272 ordered pairs, whatever the weights: exact ends, the common subgroup between, isometries."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.conftest import ALL_GROUPS
from tests.tiny import LATENT, SIDE, tiny_model
from wallpaper.frames import blend, decode_frames
from wallpaper.models.vae import Head
from wallpaper.patterns import generate_pattern
from wallpaper.pictures.render import render
from wallpaper.plane import GROUP_NAMES, Lattice, PlaneGroup, align, classify, plane_group, primitive_operations
from wallpaper.symmetry import project, residuals, to_primitive
from wallpaper.transition import (
    CANONICAL,
    Transition,
    encode,
    latent_path,
    pictures,
    show,
    smooth_step,
    transition,
    transition_from_seed,
)

VISIBLE = 1e-3
"""A residual of the untrained model's images above this is no rounding."""

MODELS = {head: tiny_model(head) for head in ("rgb", "palette")}
CENTRED = ("cm", "cmm")
HEADS = pytest.mark.parametrize("head", list(MODELS))


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def others(source: PlaneGroup) -> list[str]:
    return [name for name in GROUP_NAMES if name != source.name]


def run(
    source: str, target: str, *, head: Head = "rgb", n_frames: int = 9, lattice: Lattice | None = None
) -> Transition:
    return transition(MODELS[head], noise(3, SIDE, SIDE), source, target, lattice=lattice, n_frames=n_frames)


@HEADS
@ALL_GROUPS
def test_the_ends_have_exactly_their_groups_and_every_frame_the_common_one(group: PlaneGroup, head: Head) -> None:
    latents = torch.randn(5, LATENT, generator=torch.Generator().manual_seed(1))
    weights = smooth_step(torch.linspace(0, 1, 5))
    for target in others(group):
        alignment = align(group.name, target)
        with torch.no_grad():
            frames = decode_frames(MODELS[head].vae, latents, alignment, weights).numpy()
        of_source, of_target = set(primitive_operations(group.name)), set(alignment.target_operations)
        kept = [of_source, *[set(alignment.common)] * 3, of_target]
        for frame, operations in zip(frames, kept, strict=True):
            rest = (of_source | of_target) - operations
            assert residuals(frame, tuple(operations)).max() == 0, (group.name, target)
            assert not rest or residuals(frame, tuple(rest)).min() > VISIBLE, (group.name, target)


@ALL_GROUPS
def test_the_last_frame_s_operations_are_the_target_s(group: PlaneGroup) -> None:
    assert {classify(align(group.name, target).target_operations) for target in others(group)} == set(others(group))


@HEADS
@ALL_GROUPS
def test_the_first_frame_is_the_vae_s_reconstruction(group: PlaneGroup, head: Head) -> None:
    vae, label = MODELS[head].vae, torch.tensor([group.index])
    result = run(group.name, "p1" if group.name != "p1" else "p6m", head=head, n_frames=2)
    with torch.no_grad():
        mean, _ = vae.encode(noise(1, 3, SIDE, SIDE), label)
        expected = vae.colour(to_primitive(project(vae.fields(mean), label), group.name), mean)[0]
        decoded = vae.decode(mean, label)[0]
    torch.testing.assert_close(result.frames[0], expected, rtol=0, atol=1e-4)  # the path's start is rounded
    assert group.name in CENTRED or (result.frames[0] - decoded).abs().max() < 1e-4


@ALL_GROUPS
def test_lattices_go_from_the_source_s_to_one_of_the_target_by_common_isometries(group: PlaneGroup) -> None:
    drawn = Lattice.random(group.system, np.random.default_rng(group.index))
    a, b = drawn.basis.T
    start = np.stack([(a + b) / 2, (b - a) / 2] if group.name in CENTRED else [a, b], axis=1)
    for target in others(group):
        result = run(group.name, target, n_frames=5, lattice=drawn)
        metrics = [lattice.metric for lattice in result.lattices]
        np.testing.assert_allclose(metrics[0], start.T @ start, rtol=0, atol=1e-9)
        for metric, lattice in zip(metrics, result.lattices, strict=True):
            assert lattice.area == pytest.approx(result.lattices[0].area, rel=1e-9)
            for op in result.alignment.common:
                np.testing.assert_allclose(np.array(op.rot).T @ metric @ np.array(op.rot), metric, rtol=0, atol=1e-9)
        for op in result.alignment.target_operations:
            turned = np.array(op.rot).T @ metrics[-1] @ np.array(op.rot)
            np.testing.assert_allclose(turned, metrics[-1], rtol=0, atol=1e-9)


@ALL_GROUPS
def test_the_lattice_is_stretched_and_never_turned(group: PlaneGroup) -> None:
    """The matrix that carries the first basis to a later one is symmetric and positive: no rotation is in it."""
    for target in others(group):
        result = run(group.name, target, n_frames=3)
        bases = [turned(*pair) for pair in zip(result.lattices, result.rotations, strict=True)]
        for basis in bases:
            deformation = basis @ np.linalg.inv(bases[0])
            np.testing.assert_allclose(deformation, deformation.T, rtol=0, atol=1e-9)
            assert np.linalg.eigvalsh(deformation).min() > 0
        if group.name not in CENTRED:
            assert result.rotations[0] == pytest.approx(0, abs=1e-9)


@ALL_GROUPS
def test_frames_move_without_a_jump(group: PlaneGroup) -> None:
    """Twice as many frames make half as large steps; a jump would stay as large."""
    for target in others(group)[group.index % 4 :: 4]:
        frames = run(group.name, target, n_frames=33).frames
        fine, coarse = (float((f[1:] - f[:-1]).abs().amax()) for f in (frames, frames[::2]))
        assert float((frames[-1] - frames[0]).abs().amax()) > VISIBLE
        assert fine < 0.6 * coarse


def test_weights_of_zero_and_one_are_the_two_groups_alone() -> None:
    fields = noise(1, 3, SIDE, SIDE)
    alignment = align("cmm", "p4m")
    ends = [blend(fields, alignment, torch.tensor([weight])) for weight in (0.0, 1.0)]
    middle = blend(fields, alignment, torch.tensor([0.25]))
    torch.testing.assert_close(middle, 0.75 * ends[0] + 0.25 * ends[1])
    assert smooth_step(torch.tensor([0.0, 0.5, 1.0])).tolist() == [0.0, 0.5, 1.0]


def test_times_latents_and_path_describe_the_same_path() -> None:
    result = run("p3", "p6", n_frames=9)
    np.testing.assert_allclose(result.times, np.linspace(0, 1, 9), atol=1e-6)
    assert result.latents.shape == (9, LATENT)
    assert result.frames.shape == (9, 3, SIDE, SIDE)
    assert result.frames.dtype == torch.float32
    points = result.latents.double().numpy()
    chords = [np.linalg.norm(after - before) for before, after in itertools.pairwise(points)]
    assert result.path_length == pytest.approx(sum(chords), rel=1e-5)
    assert result.path_length > 0.1
    assert result.nfe > 0


def test_some_frames_of_a_transition() -> None:
    whole = run("p1", "p4m", n_frames=5)
    part = whole.at([0, 3])
    assert torch.equal(part.frames, whole.frames[[0, 3]])
    assert torch.equal(part.times, whole.times[[0, 3]])
    assert torch.equal(part.latents, whole.latents[[0, 3]])
    assert part.lattices == (whole.lattices[0], whole.lattices[3])
    assert part.rotations == (whole.rotations[0], whole.rotations[3])


def test_the_same_seed_makes_the_same_transition() -> None:
    first, again, other = (
        transition_from_seed(MODELS["palette"], "cm", "p31m", seed=seed, n_frames=3) for seed in (5, 5, 6)
    )
    for field in dataclasses.fields(Transition):
        before, after = getattr(first, field.name), getattr(again, field.name)
        assert torch.equal(before, after) if isinstance(before, Tensor) else before == after
    assert not torch.equal(first.frames, other.frames)
    pattern = generate_pattern("cm", 5, SIDE)
    a, b = pattern.lattice.basis.T
    assert first.lattices[0].a == pytest.approx(np.linalg.norm(a + b) / 2)
    image = torch.from_numpy(pattern.pixels).permute(2, 0, 1) / 255
    same = transition(MODELS["palette"], image, "cm", "p31m", lattice=pattern.lattice, n_frames=3)
    assert torch.equal(same.frames, first.frames)


def test_the_eight_canonical_transitions_are_known() -> None:
    assert len(set(CANONICAL)) == 8
    assert {plane_group(name).name for pair in CANONICAL for name in pair} <= set(GROUP_NAMES)


# ---- pictures


@pytest.mark.parametrize("name", CENTRED)
def test_a_centred_group_s_first_picture_is_its_conventional_cell_s(name: str) -> None:
    """The change of cell, the lattice and its direction together show the very same plane."""
    pattern = generate_pattern(name, 3, 64)
    result = run(name, "p4m", n_frames=2, lattice=pattern.lattice)
    image = torch.from_numpy(pattern.pixels).permute(2, 0, 1).double() / 255
    expected = render(pattern.pixels, pattern.lattice, size=120, scale=45).astype(float)
    drawn = to_primitive(image, name).numpy().clip(0, 1)
    picture = render(drawn, result.lattices[0], size=120, scale=45, rotation=result.rotations[0])
    unturned = render(drawn, result.lattices[0], size=120, scale=45)
    assert np.abs(picture - expected).mean() < 2  # grey levels: half of the samples are interpolated
    assert np.abs(unturned - expected).mean() > 10


def test_pictures_are_all_at_one_scale_and_turn_with_the_lattice() -> None:
    result = run("p1", "p6m", n_frames=3)
    drawn = pictures(result, size=48, cells=2.0)
    assert len(drawn) == 3
    scale = 48 / (2.0 * np.sqrt(result.lattices[0].area))
    for k, picture in enumerate(drawn):
        frame = result.frames[k].numpy()
        expected = render(frame, result.lattices[k], size=48, scale=scale, rotation=result.rotations[k])
        np.testing.assert_array_equal(picture, expected)
    assert result.rotations[-1] != pytest.approx(0, abs=1)


# ---- what cannot be


@pytest.mark.parametrize(
    ("source", "target", "options", "message"),
    [
        ("p4", "p4", {}, "`source != target` must hold, but both are p4"),
        ("p7", "p4", {}, "unknown wallpaper group 'p7'; one of p1, p2"),
        ("p4", "q", {}, "unknown wallpaper group 'q'"),
        ("p4", "p1", {"n_frames": 1}, "`n_frames >= 2` must hold to show both ends, but got 1"),
        ("p4", "p1", {"lattice": Lattice(1, 2, 90)}, r"`lattice` must be square for p4, but got Lattice\(a=1, b=2"),
    ],
)
def test_what_cannot_be_is_refused(source: str, target: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        transition(MODELS["rgb"], noise(3, SIDE, SIDE), source, target, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 3, SIDE, SIDE), (1, SIDE, SIDE)])
def test_an_image_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=rf"`image` must be \(3, {SIDE}, {SIDE}\), but got"):
        transition(MODELS["rgb"], noise(*shape), "p1", "p2")


@HEADS
def test_a_transition_has_the_same_bits_alone_and_among_others(head: Head) -> None:
    """A convolution rounds differently for another number of images, but what is served must not depend on company."""
    model, asked = MODELS[head], (("p1", "p6m", 5), ("cm", "p3", 2), ("p4", "p4m", 7))
    starts = [encode(model, noise(3, SIDE, SIDE, seed=number), source) for number, (source, _, _) in enumerate(asked)]
    paths = [
        latent_path(model, start, source, target, n_frames=count)
        for start, (source, target, count) in zip(starts, asked, strict=True)
    ]
    for path, together in zip(paths, show(model, paths), strict=True):
        (alone,) = show(model, [path])
        assert torch.equal(alone.frames, together.frames)
        assert len(alone.frames) == len(path.times)


def turned(lattice: Lattice, degrees: float) -> np.ndarray:
    """The lattice's basis with its first vector in this direction from x."""
    angle = np.radians(degrees)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    basis: np.ndarray = rotation @ lattice.basis
    return basis
