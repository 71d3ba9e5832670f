"""Wrapping around: torch's circular padding and convolution, to the bit, and their gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from wallpaper.models.torus import TorusConv2d, wrap

SHAPES = pytest.mark.parametrize("shape", [(2, 3, 8, 8), (1, 2, 4, 6), (3, 3, 3), (2, 4, 1, 1)], ids=str)


@SHAPES
@pytest.mark.parametrize("width", [0, 1, 3])
def test_wrapping_is_torch_s_circular_padding(shape: tuple[int, ...], width: int) -> None:
    image = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    if width > min(shape[-2:]):
        with pytest.raises(ValueError, match=rf"`0 <= width <= {min(shape[-2:])}` must hold, but got {width}"):
            wrap(image, width)
        return
    assert torch.equal(wrap(image, width), functional.pad(image, (width,) * 4, mode="circular"))


@pytest.mark.parametrize("width", [1, 2, 3])
def test_gradients_agree_with_differences(width: int) -> None:
    image = torch.randn(1, 2, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: wrap(x, width), (image,))
    assert torch.autograd.gradgradcheck(lambda x: wrap(x, width).square(), (image,))


def test_the_memory_format_is_kept() -> None:
    image = torch.randn(2, 3, 8, 8).to(memory_format=torch.channels_last)
    wrapped = wrap(image, 1)
    assert wrapped.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(wrapped, wrap(image.contiguous(), 1))


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 1, 1), (4, 2, 1), (5, 1, 2)])
def test_a_convolution_is_torch_s_circular_one(kernel: int, stride: int, padding: int) -> None:
    own = TorusConv2d(3, 5, kernel, stride=stride, padding=padding)
    other = nn.Conv2d(3, 5, kernel, stride=stride, padding=padding, padding_mode="circular")
    other.load_state_dict(own.state_dict())
    image = torch.randn(2, 3, 16, 16)
    assert torch.equal(own(image), other(image))
