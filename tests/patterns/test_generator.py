from __future__ import annotations

import numpy as np
import pytest

from wallpaper.patterns import COMPLEXITIES, MOTIF_TYPES, PALETTE_NAMES, generate_pattern, generator
from wallpaper.patterns.acceptance import certify
from wallpaper.plane import GROUP_NAMES, PLANE_GROUPS, Lattice, plane_group
from wallpaper.symmetry import residuals

GROUPS = pytest.mark.parametrize("group", GROUP_NAMES)


@GROUPS
def test_every_operation_holds_exactly_for_every_motif_type(group: str) -> None:
    for seed, motif_type in enumerate((*MOTIF_TYPES, None, None)):
        pattern = generate_pattern(group, seed, 64, motif_type=motif_type)
        image = np.moveaxis(pattern.pixels, -1, 0)
        assert residuals(image, plane_group(group).operations).max() == 0
        assert pattern.pixels.dtype == np.uint8
        assert pattern.pixels.shape == (64, 64, 3)


@GROUPS
def test_supergroups_do_not_hold(group: str) -> None:
    """By pixel permutations: every operation of every other group on this lattice that is not in the group fails."""
    own = set(plane_group(group).operations)
    pattern = generate_pattern(group, 3, 64)
    image = np.moveaxis(pattern.pixels, -1, 0)
    foreign = {
        op
        for other in PLANE_GROUPS.values()
        for op in other.operations
        if op not in own and pattern.lattice.meets(other.system)
    }
    assert not foreign or residuals(image, tuple(foreign)).min() > 40


@pytest.mark.parametrize("side", [16, 60, 100, 256])
def test_symmetry_is_exact_at_other_sides(side: int) -> None:
    for group in ("pgg", "p4g", "p31m", "p6m"):
        image = np.moveaxis(generate_pattern(group, 5, side).pixels, -1, 0)
        assert residuals(image, plane_group(group).operations).max() == 0


def test_same_arguments_same_bytes_and_other_seeds_other_bytes() -> None:
    first, again = generate_pattern("p31m", 11, 64), generate_pattern("p31m", 11, 64)
    assert first.pixels.tobytes() == again.pixels.tobytes()
    assert (first.lattice, first.palette, first.motif_type) == (again.lattice, again.palette, again.motif_type)
    different = {generate_pattern("p31m", seed, 32).pixels.tobytes() for seed in range(20)}
    assert len(different) == 20


@pytest.mark.parametrize("motif_type", MOTIF_TYPES)
def test_side_changes_only_the_resolution(motif_type: str) -> None:
    small = generate_pattern("p4g", 8, 64, motif_type=motif_type, complexity=1)
    large = generate_pattern("p4g", 8, 128, motif_type=motif_type, complexity=1)
    assert small.motif_size == large.motif_size
    assert small.redraws == large.redraws
    difference = np.abs(small.pixels.astype(int) - large.pixels[::2, ::2])
    assert np.median(difference) <= 2  # the same sample away from edges, whose width is in samples
    assert (difference.max(axis=-1) > 60).mean() < 0.1


def test_designs_are_settled_and_looked_at_at_one_side_whatever_the_side_of_the_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judged: list[bytes] = []
    monkeypatch.setattr(generator, "find_dullness", lambda pixels: judged.append(pixels.tobytes()))
    for side in (16, 64, 100):
        generate_pattern("p31m", 6, side)
    assert len(judged) == 3
    assert len(set(judged)) == 1


def test_palette_and_style_do_not_depend_on_the_group() -> None:
    for seed in range(4):
        made = [generate_pattern(group, seed, 32) for group in GROUP_NAMES]
        assert len({(p.palette, p.motif_type, p.complexity, p.motif_size) for p in made}) == 1


def test_groups_share_their_colour_areas_when_they_share_a_seed() -> None:
    made = np.array([[_colour_features(generate_pattern(g, seed, 64))[:6] for seed in range(6)] for g in GROUP_NAMES])
    assert np.abs(made - made.mean(axis=0)).mean() < 0.04


def test_requests_are_honoured() -> None:
    lattice = Lattice(1.0, 1.3, 90.0)
    pattern = generate_pattern(
        "p2mm", 4, 32, motif_type="wave", complexity=2, palette=PALETTE_NAMES[3], lattice=lattice
    )
    assert (pattern.group, pattern.lattice, pattern.seed) == ("pmm", lattice, 4)
    assert (pattern.motif_type, pattern.complexity, pattern.palette) == ("wave", 2, PALETTE_NAMES[3])


def test_all_types_palettes_and_complexities_occur() -> None:
    made = [generate_pattern("p4", seed, 16) for seed in range(120)]
    assert {p.motif_type for p in made} == set(MOTIF_TYPES)
    assert {p.palette for p in made} == set(PALETTE_NAMES)
    assert {p.complexity for p in made} == set(COMPLEXITIES)
    assert np.mean([p.complexity <= 3 for p in made]) > 0.75
    assert max(p.redraws for p in made) <= 10


def test_free_lattice_parameters_vary_and_fit_the_system() -> None:
    for group in GROUP_NAMES:
        assert generate_pattern(group, 1, 16).lattice.meets(plane_group(group).system)
    assert len({generate_pattern("p2", seed, 16).lattice for seed in range(5)}) == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"group": "p5"}, r"unknown wallpaper group 'p5'; one of p1, p2"),
        ({"seed": -1}, r"`seed >= 0` must hold, but got -1"),
        ({"side": 30}, r"`side >= 16 and side % 4 == 0` must hold .* but got 30"),
        ({"side": 12}, r"`side >= 16 and side % 4 == 0` must hold .* but got 12"),
        ({"motif_type": "plaid"}, r"unknown motif type 'plaid'; one of gaussian"),
        ({"complexity": 6}, r"`complexity in 1..5` must hold, but got 6"),
        ({"palette": "mud"}, r"unknown palette 'mud'; one of midnight"),
        ({"lattice": Lattice(1, 2, 90)}, r"p4 needs a square lattice, but got Lattice\(a=1, b=2"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, object], message: str) -> None:
    valid: dict[str, object] = {"group": "p4", "seed": 0, "side": 16}
    with pytest.raises(ValueError, match=message):
        generate_pattern(**(valid | arguments))  # type: ignore[arg-type]


def test_refused_designs_are_redrawn_counted_and_finally_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["contrast", "cover", "cover", None, None])
    monkeypatch.setattr(generator, "find_dullness", lambda *_: next(answers))
    made = generate_pattern("p4", 0, 16)
    assert (made.redraws, made.refused) == (3, (1, 2, 0, 0, 0))
    with monkeypatch.context() as patch:
        faults = iter(["margin", "group", None])
        patch.setattr(generator, "find_dullness", lambda *_: None)
        patch.setattr(generator, "certify", lambda *given: (certify(*given)[0], next(faults)))
        made = generate_pattern("p4", 0, 16)
    assert (made.redraws, made.refused) == (2, (0, 0, 1, 1, 0))
    monkeypatch.setattr(generator, "find_dullness", lambda *_: "cover")
    with pytest.raises(RuntimeError, match=r"no acceptable p4 in 60 designs for seed=0.*use another seed"):
        generate_pattern("p4", 0, 16)


def _colour_features(pattern: generator.Pattern) -> np.ndarray:
    colours = pattern.pixels.reshape(-1, 3)
    histogram = np.bincount(colours.astype(int) // 64 @ [16, 4, 1], minlength=64) / len(colours)
    return np.concatenate([colours.mean(axis=0) / 255, colours.std(axis=0) / 255, histogram])
