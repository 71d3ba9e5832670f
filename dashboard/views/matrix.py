"""All ordered pairs of groups as one grid of buttons, coloured by a figure of each.

HTML text of own making: names of groups and numbers only. Rows and columns go by rotation order, which shows kinship.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wallpaper.pictures.colours import BY_ROTATION, MARKS
from wallpaper.plane import plane_group
from wallpaper.plane.relations import common_order
from wallpaper.plane.routes import widest_order

COLOURS = {
    "kept": "common subgroup", "widest": "widest route", "length": "path length", "bend": "detour",
    "error": "endpoint error", "nfe": "evaluations",
}  # fmt: skip
"""What a pair can be coloured by."""

ABOUT = {
    "kept": "order of the largest common subgroup: what every frame keeps on the direct way",
    "widest": "order that every frame keeps on the widest route through other groups",
    "length": "length of the latent path from the pattern of this seed",
    "bend": "length of the latent path over the straight line between its ends",
    "error": "distance of the path's end from the latent of the source's own pattern, made to have the target group; "
    "in units of the way there: 0 arrives, 1 is as far away as at the start",
    "nfe": "evaluations of the field that dopri5 needs for this path alone, at the model's tolerances",
}

STEPS = 6
"""Shades of the colour scale; the page has a class for each."""

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Scale:
    """What the shades mean."""

    low: float
    high: float
    by_octaves: bool
    """Equal ratios, not equal differences, are equal steps."""

    def shade(self, value: float) -> int:
        """From 0 to `STEPS` - 1.

        >>> [Scale(1, 12, True).shade(value) for value in (1, 2, 6, 12)]
        [0, 1, 4, 5]
        """
        low, high, value = (
            (math.log(x) for x in (self.low, self.high, value)) if self.by_octaves else self._plain(value)
        )
        share = (value - low) / (high - low) if high > low else 0.0
        return min(STEPS - 1, max(0, round(share * (STEPS - 1))))

    def _plain(self, value: float) -> tuple[float, float, float]:
        return self.low, self.high, value


def orders(widest: bool) -> dict[Pair, float]:
    """What every pair keeps. The first call computes for a second."""
    order: Callable[[str, str], int] = widest_order if widest else common_order
    return {(s, t): float(order(s, t)) for s in BY_ROTATION for t in BY_ROTATION if s != t}


def scale_of(values: Mapping[Pair, float], kind: str) -> Scale:
    """The scale of a kind of figure, from the least value to the largest."""
    found = list(values.values())
    return Scale(min(found), max(found), kind in ("kept", "widest"))


def words(value: float, kind: str) -> str:
    """A figure as text.

    >>> words(4.0, "kept"), words(25.61, "length"), words(1.034, "bend")
    ('4', '25.6', '1.03')
    """
    return f"{value:.0f}" if kind in ("kept", "widest", "nfe") else f"{value:.3g}"


def matrix_markup(
    values: Mapping[Pair, float], kind: str, chosen: Pair, previews: Mapping[Pair, str] | None = None
) -> str:
    """The grid; every cell is a button with `data-source` and `data-target`, and one of them can be reached by Tab.

    Args: previews: addresses of pictures of some pairs, of characters that need no escaping.
    """
    scale, shown = scale_of(values, kind), previews or {}
    parts = ['<div class="wp-matrix" role="group" aria-label="All transitions: rows are sources, columns targets">']
    parts.append('<span class="wp-corner" aria-hidden="true">from \\ to</span>')
    parts += [f'<span class="wp-column{_edge(name)}" aria-hidden="true">{name}</span>' for name in BY_ROTATION]
    for source in BY_ROTATION:
        parts.append(f'<span class="wp-line-name{_edge(source)}" aria-hidden="true">{source}</span>')
        for target in BY_ROTATION:
            edges = _edge(source, "wp-edge-top") + _edge(target)
            if source == target:
                parts.append(f'<button class="wp-pair wp-same{edges}" disabled aria-label="{source} itself"></button>')
                continue
            value = words(values[source, target], kind)
            picked = (source, target) == chosen
            picture = shown.get((source, target))
            more = f' data-preview="{picture}"' if picture else ""
            parts.append(
                f'<button class="wp-pair wp-shade-{scale.shade(values[source, target])}{edges}" '
                f'tabindex="{0 if picked else -1}" aria-pressed="{str(picked).lower()}" data-source="{source}" '
                f'data-target="{target}" data-value="{value}"{more} '
                f'aria-label="{source} to {target}: {COLOURS[kind]} {value}"></button>'
            )
    return "".join((*parts, "</div>"))


def _edge(name: str, kind: str = "wp-edge-left") -> str:
    """A class where a new rotation order begins."""
    place = BY_ROTATION.index(name)
    before = BY_ROTATION[place - 1] if place else name
    return f" {kind}" if MARKS[before].shape != MARKS[name].shape else ""


def summary(source: str, target: str) -> str:
    """What two groups have to do with each other, in one sentence."""
    direct, widest = common_order(source, target), widest_order(source, target)
    first, last = plane_group(source).order, plane_group(target).order
    more = f"; the widest route keeps order {widest}" if widest > direct else ""
    return f"{source} (order {first}) and {target} (order {last}) share order {direct}{more}."
