"""The patterns that are packed with a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.tiny import SIDE
from wallpaper.data.generation import generate_dataset
from wallpaper.data.samples import Samples
from wallpaper.judge import identify
from wallpaper.patterns import Pattern
from wallpaper.plane import GROUP_NAMES, Lattice, plane_group


@pytest.fixture(scope="module")
def samples() -> Samples:
    return Samples.generated(SIDE)


def test_every_group_has_some_and_each_is_what_its_name_says(samples: Samples) -> None:
    assert list(samples.by_id) == [f"{name}-{number}" for name in GROUP_NAMES for number in range(3)]
    for name, sample in samples.by_id.items():
        assert sample.pixels.shape == (SIDE, SIDE, 3)
        assert name.startswith(f"{sample.group}-")
        assert identify(sample.pixels, sample.lattice).group == sample.group


def test_what_is_kept_comes_back(samples: Samples, tmp_path: Path) -> None:
    path = samples.save(tmp_path / "samples.safetensors")
    back = Samples.load(path)
    assert (back.groups, back.digest) == (samples.groups, samples.digest)
    assert [each.lattice for each in back.by_id.values()] == [each.lattice for each in samples.by_id.values()]
    for name, sample in samples.by_id.items():
        np.testing.assert_array_equal(back.by_id[name].pixels, sample.pixels)
    (tmp_path / "any").touch()
    assert path.stat().st_mode == (tmp_path / "any").stat().st_mode, "whoever serves the model must be able to read it"


def test_the_digest_is_of_the_pixels() -> None:
    one, other = Samples.generated(16, 1), Samples.generated(16, 1)
    assert one.digest == other.digest
    other.by_id["p1-0"].pixels[0, 0, 0] ^= 1
    assert one.digest != other.digest


def test_a_dataset_gives_patterns_that_no_training_saw(tmp_path: Path) -> None:
    def draw(group: str, seed: int, side: int) -> Pattern:
        pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
        return Pattern(pixels, group, Lattice.standard(plane_group(group).system), "dots", 1, 1, "dusk", seed, 0)

    store = generate_dataset(tmp_path / "patterns.h5", per_group=10, side=32, seed=1, generate=draw)
    found = Samples.held_out(store, 16, per_group=1)
    assert list(found.by_id) == [f"{name}-0" for name in GROUP_NAMES]
    test = [int(index) for index in store.splits["test"]]
    for sample in found.by_id.values():
        (index,) = [i for i in test if np.array_equal(store.pixels(i)[::2, ::2], sample.pixels)]
        assert GROUP_NAMES[store.labels[index]] == sample.group
        assert store.lattice(index) == sample.lattice
