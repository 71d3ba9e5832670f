from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.data.fake import noise
from wallpaper.data import generate_dataset, sample_seed
from wallpaper.data.fingerprints import ALIKE, Gallery, alike, fingerprint, nearest
from wallpaper.patterns import FAULTS, Pattern, generate_pattern
from wallpaper.plane import GROUP_NAMES

MOVED = 1e-5  # rounding in float32 of amplitudes that a shift does not change


def distance(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.linalg.norm(fingerprint(first) - fingerprint(second)))


def test_origin_half_turn_and_resolution_do_not_matter_but_colour_and_shape_do() -> None:
    pixels = generate_pattern("p1", 4, 64).pixels
    assert distance(pixels, np.roll(pixels, (5, 40), axis=(0, 1))) < MOVED
    assert distance(pixels, np.roll(pixels[::-1, ::-1], 1, axis=(0, 1))) < MOVED
    assert distance(pixels, generate_pattern("p1", 4, 128).pixels) < ALIKE / 2
    assert distance(pixels, generate_pattern("p1", 4, 256).pixels) < ALIKE / 2
    assert distance(pixels, pixels[..., ::-1]) > ALIKE
    assert distance(pixels, pixels[::-1]) > ALIKE
    assert distance(pixels, generate_pattern("p1", 5, 64).pixels) > ALIKE


def test_amplitudes_are_those_of_a_plain_fourier_sum() -> None:
    """One coefficient by its definition, from cosines and sines over all samples."""
    pixels = generate_pattern("p1", 8, 32).pixels
    light = pixels.astype(float) @ [0.30, 0.59, 0.11] / 255
    i, j = np.indices((32, 32))
    sums = {(k, m): abs((light * np.exp(-2j * np.pi * (k * i + m * j) / 32)).mean()) for k, m in ((1, 0), (2, 1))}
    found = fingerprint(pixels)[3:].reshape(13, 7, 3)[..., 0]
    assert found[1, 0] / found[2, 1] == pytest.approx(sums[1, 0] / sums[2, 1], rel=1e-4)


def test_nearest_and_alike_agree_with_all_pairs() -> None:
    prints = np.random.default_rng(0).random((600, 5)).astype(np.float32)
    prints[7] = prints[3]
    apart = np.linalg.norm(prints[:, None] - prints[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    index, found = nearest(prints)
    assert np.array_equal(index, apart.argmin(axis=1))
    np.testing.assert_allclose(found, apart.min(axis=1), atol=1e-6)
    assert alike(prints, 0.0) == [(3, 7, 0.0)]
    with pytest.raises(ValueError, match="`N >= 2` must hold to compare patterns, but got 1"):
        nearest(prints[:1])


def test_too_small_patterns_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 12 samples a side, but got 8"):
        fingerprint(np.zeros((8, 8, 3), np.uint8))


def test_a_gallery_knows_what_it_has_seen() -> None:
    first, second = (fingerprint(generate_pattern("p3", seed, 32).pixels) for seed in (1, 2))
    gallery = Gallery(2)
    assert not gallery.resembles(first)
    gallery.add(first)
    assert gallery.resembles(first)
    assert not gallery.resembles(second)


def test_no_two_generated_patterns_are_alike() -> None:
    """Of the group with the fewest shapes, and of all groups."""
    made = [generate_pattern("p6m", seed, 32) for seed in range(60)]
    made += [generate_pattern(group, 100 + seed, 32) for seed, group in enumerate(GROUP_NAMES)]
    assert alike(fingerprint(pattern.pixels) for pattern in made) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_dataset_replaces_what_looks_like_an_earlier_pattern(tmp_path: Path, workers: int) -> None:
    store = generate_dataset(tmp_path / "a.h5", 2, side=16, generate=repeating, workers=workers)
    expected = [sample_seed(0, index, 3 * (index == 20)) for index in range(34)]
    assert [store.metadata(index)["seed"] for index in range(34)] == expected
    row = store.metadata(20)
    assert row["refused"][FAULTS.index("alike")] == 1
    assert row["redraws"] == noise("pg", sample_seed(0, 20, 3), 16).redraws + 1
    assert alike(fingerprint(store.pixels(index)) for index in range(34)) == []


@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_a_continued_dataset_remembers_what_it_has(tmp_path: Path, dtype: str) -> None:
    def stop(done: int, total: int) -> None:
        if done == 10:
            raise KeyboardInterrupt

    whole = generate_dataset(tmp_path / "a" / "a.h5", 2, side=16, generate=repeating, dtype=dtype)  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        generate_dataset(tmp_path / "b" / "a.h5", 2, side=16, generate=repeating, dtype=dtype, progress=stop)  # type: ignore[arg-type]
    again = generate_dataset(tmp_path / "b" / "a.h5", 2, side=16, generate=repeating, dtype=dtype)  # type: ignore[arg-type]
    assert again.path.read_bytes() == whole.path.read_bytes()


def repeating(group: str, seed: int, side: int) -> Pattern:
    """Noise; but the first try of pattern 20 looks like pattern 3."""
    made = noise(group, seed, side)
    if seed != sample_seed(0, 20):
        return made
    pixels = np.roll(noise(group, sample_seed(0, 3), side).pixels, 3, axis=0)
    return noise_with(made, pixels)


def noise_with(made: Pattern, pixels: np.ndarray) -> Pattern:
    values = {name: getattr(made, name) for name in Pattern.__dataclass_fields__}
    return Pattern(**(values | {"pixels": pixels}))
