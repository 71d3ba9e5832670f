from __future__ import annotations

import numpy as np
import pytest

from wallpaper.patterns.palettes import LEAST_CONTRAST, PALETTE_NAMES, ROLES, draw_palette, oklch_to_srgb


@pytest.mark.parametrize(
    ("oklch", "srgb"),
    [
        # OKLCH of sRGB primaries and white, as printed in CSS Color 4's sample code and browsers' converters
        ((1.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        ((0.62796, 0.25768, 29.234), (1.0, 0.0, 0.0)),
        ((0.86644, 0.29483, 142.495), (0.0, 1.0, 0.0)),
        ((0.45201, 0.31321, 264.052), (0.0, 0.0, 1.0)),
    ],
)
def test_conversion_gives_known_colours(oklch: tuple[float, ...], srgb: tuple[float, ...]) -> None:
    # half a grey level; a zero next to a full channel is sensitive to the fifth digit, hence 0.02
    np.testing.assert_allclose(oklch_to_srgb(np.array([oklch]))[0], srgb, atol=0.02)


def test_colours_that_no_screen_shows_lose_only_chroma() -> None:
    wild, tame = oklch_to_srgb(np.array([[0.7, 0.5, 150.0], [0.7, 0.1, 150.0]]))
    assert (wild >= 0).all()
    assert (wild <= 1).all()
    assert wild[1] > tame[1] > tame[0] > wild[0]


@pytest.mark.parametrize("name", PALETTE_NAMES)
def test_named_palettes_are_vivid_and_contrasting(name: str) -> None:
    for seed in range(10):
        palette = draw_palette(np.random.default_rng(seed), name)
        assert palette.colours.shape == (len(ROLES), 3)
        ground, motifs = palette.colours[0], palette.colours[2:]
        assert np.linalg.norm(motifs - ground, axis=1).min() > LEAST_CONTRAST
        assert np.linalg.norm(palette.role("primary") - ground) > 0.35
        assert (motifs.max(axis=1) - motifs.min(axis=1)).max() > 0.4  # some colour is far from grey


def test_a_drawn_palette_depends_on_its_stream_alone() -> None:
    first, again = (draw_palette(np.random.default_rng(4)) for _ in range(2))
    assert first.name == again.name
    assert np.array_equal(first.colours, again.colours)
    assert len({draw_palette(np.random.default_rng(seed)).name for seed in range(200)}) == len(PALETTE_NAMES)


def test_unknown_palettes_are_named() -> None:
    with pytest.raises(ValueError, match="unknown palette 'grey'; one of midnight"):
        draw_palette(np.random.default_rng(0), "grey")
