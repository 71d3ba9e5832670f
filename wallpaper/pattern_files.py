"""What can be chosen of a file of patterns, by name.

Apart from `data` and `pictures`, which write such files: to offer the choice takes no torch.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

PixelType: TypeAlias = Literal["uint8", "float64"]
PIXEL_TYPES: tuple[PixelType, ...] = get_args(PixelType)

Frame: TypeAlias = Literal["cartesian", "lattice"]
"""Of a plain file's images: pictures of the plane, or the cells as they are."""
FRAMES: tuple[Frame, ...] = get_args(Frame)

OnMismatch: TypeAlias = Literal["drop", "relabel", "keep", "error"]
"""What an import does with a picture whose group is not the claimed one."""
ON_MISMATCH: tuple[OnMismatch, ...] = get_args(OnMismatch)
