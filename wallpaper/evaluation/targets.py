"""What figures are to reach, and whether they do.

A bound is on a figure's name; the figures themselves come from elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wallpaper.evaluation.transport import RIGHT


@dataclass(frozen=True, slots=True)
class Target:
    """A figure with its bounds, both included; None for no bound."""

    name: str
    value: float | None
    """None where it could not be computed, which misses every target."""
    least: float | None
    most: float | None

    @property
    def met(self) -> bool:
        """Whether the value lies within the bounds."""
        if self.value is None:
            return False
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    def bounds(self, scale: float = 1) -> str:
        """The bounds in words, `scale` times as large."""
        least, most = (None if bound is None else f"{bound * scale:g}" for bound in (self.least, self.most))
        if least is not None and most is not None:
            return f"{least} to {most}"
        if most == "0":
            return most
        return f">= {least}" if least is not None else f"<= {most}"


def targets(figures: Mapping[str, float], *, split: str, latent_dim: int, resolution: int) -> tuple[Target, ...]:
    """The targets of all figures there are; a field's if it was measured. Names as in `figures`."""
    flat = latent_dim <= 2  # so that it can be drawn; no image of any detail fits into two numbers
    bounds: dict[str, tuple[float | None, float | None]] = {
        **({} if flat else _sharp(split, large=resolution >= 256)),
        f"over_linear_{split}": (2.0 if flat else 3.0, None),
        "invariance": (None, 1e-5),
        "invariance_noise": (None, 1e-5),
        "residual_decoded": (None, 0.0),
        "residual_decoded_uint8": (None, 0.0),
        "judged_decoded": (0.99, None),
    }
    if "pairs" in figures:
        distance = 1.3 if flat else 1.15
        bounds |= {
            "residual_first_frames": (None, 0.0),
            "residual_inner_frames": (None, 0.0),
            "residual_last_frames": (None, 0.0),
            "judged_first_frames": (0.99, None),
            "judged_last_frames": (0.99, None),
            "wasserstein2_over_floor": (None, distance),
            "variance_ratio": RIGHT,
            "collapsed_pairs": (None, 0.0),
            "curvature": (None, 0.05),
            "fixed_steps_change": (None, 0.01),
        }
        if "never_trained/pairs" in figures:
            bounds |= {
                "never_trained/wasserstein2_over_floor": (None, distance),
                "never_trained/variance_ratio": RIGHT,
                "never_trained/collapsed_pairs": (None, 0.0),
            }
    return tuple(Target(name, figures.get(name), *bound) for name, bound in bounds.items())


def _sharp(split: str, *, large: bool) -> dict[str, tuple[float | None, float | None]]:
    """Of reconstructions that should look like their originals."""
    if not large:
        return {f"psnr_{split}": (25.0, None)}
    return {f"psnr_{split}": (28.0, None), f"ssim_{split}": (0.92, None)}
