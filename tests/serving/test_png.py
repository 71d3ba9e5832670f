from __future__ import annotations

import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from serving.png import png


@given(arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20), st.just(3))))
def test_every_byte_is_read_again(picture: np.ndarray) -> None:
    with Image.open(io.BytesIO(png(picture))) as image:
        image.load()
        assert (image.format, image.mode) == ("PNG", "RGB")
        np.testing.assert_array_equal(np.asarray(image), picture)


def test_a_smooth_picture_is_hardly_larger_than_pillow_makes_it() -> None:
    x = np.linspace(0, 2 * np.pi, 256)
    values = 127 + 60 * np.sin(x)[:, None, None] + 60 * np.cos(x)[None, :, None] * np.array([1, 0.5, 0.2])
    picture = values.astype(np.uint8)
    with io.BytesIO() as stream:
        Image.fromarray(picture).save(stream, format="PNG", compress_level=6)
        assert len(png(picture)) < 1.5 * len(stream.getvalue())
