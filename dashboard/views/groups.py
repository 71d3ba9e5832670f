"""One plane group in words, as a Cayley table and as a place in the tree of subgroups.

HTML and SVG text of own making: symbols and numbers only.
"""

from __future__ import annotations

from functools import cache
from html import escape

from dashboard.theme import Palette, darkened, mark_colour
from wallpaper.pictures.colours import THEME, readable
from wallpaper.pictures.tree import K_COLOUR, T_COLOUR, subgroup_tree
from wallpaper.plane import GROUP_NAMES, Op, plane_group, symmetry_elements
from wallpaper.plane.groups import line_kinds
from wallpaper.plane.operation import IDENTITY_MATRIX
from wallpaper.plane.subgroups import subgroup_chain, supergroups

READABLE = 4.5
"""WCAG 2.2's least contrast of text."""


def facts(name: str) -> list[tuple[str, str]]:
    """Titles and values."""
    group = plane_group(name)
    elements = symmetry_elements(group.operations)
    centres: dict[int, int] = {}
    for centre in elements.centres:
        centres[centre.order] = centres.get(centre.order, 0) + 1
    counted = ", ".join(f"{count} of order {order}" for order, count in sorted(centres.items())) or "none"
    return [
        ("Number in International Tables", str(group.number)),
        ("Full symbol", group.full_symbol),
        ("Orbifold", group.orbifold),
        ("Lattice", group.system),
        ("Order of the point group", str(group.order)),
        ("Rotation centres in a cell", counted),
        ("Mirror lines in a cell", str(len(elements.mirrors) or "none")),
        ("Glide lines in a cell", str(len(elements.glides) or "none")),
        ("Generators", ";  ".join(group.generators) or "translations alone"),
    ]


def kind(operation: Op, name: str) -> str:
    """What an operation of a group is.

    >>> [kind(op, "pmg") for op in plane_group("pmg").operations]
    ['identity', '2-fold rotation', 'mirror', 'glide']
    """
    if operation.rot == IDENTITY_MATRIX:
        return "identity" if operation.shift == (0, 0) else "translation"
    if operation.det == 1:
        return f"{operation.order}-fold rotation"
    alone = (Op(IDENTITY_MATRIX), *(op for op in plane_group(name).operations if op == operation))
    return "mirror" if "mirror" in line_kinds(alone, operation.rot) else "glide"


def cayley_markup(name: str) -> str:
    """The table of products g h (h acts first), each operation by its number and in a shade of its own kind."""
    operations = plane_group(name).operations
    number = {op: place for place, op in enumerate(operations)}
    head = "".join(f'<th scope="col" title="{op.xyz}">{place + 1}</th>' for op, place in number.items())
    rows = []
    for g in operations:
        cells = "".join(_product(g, h, number, name) for h in operations)
        rows.append(f'<tr><th scope="row" title="{g.xyz}">{number[g] + 1}</th>{cells}</tr>')
    return (
        f'<table class="wp-cayley"><caption class="wp-hidden">Products of the operations of {name}: row after column'
        f'</caption><thead><tr><td aria-hidden="true">g · h</td>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _product(g: Op, h: Op, number: dict[Op, int], name: str) -> str:
    product = g @ h
    shade = kind(product, name).split()[-1]
    return (
        f'<td class="wp-kind-{shade}" title="({escape(g.xyz)}) after ({escape(h.xyz)}) is ({escape(product.xyz)})">'
        f"{number[product] + 1}</td>"
    )


@cache
def _tree(name: str) -> str:
    names = {*(each for each in GROUP_NAMES if subgroup_chain(name, each) is not None), *supergroups(name), name}
    return subgroup_tree([each for each in GROUP_NAMES if each in names], marked=[name])


def tree_drawing(name: str, theme: Palette) -> str:
    """SVG of a group's subgroups and supergroups, in the page's colours. The first call of a group blocks."""
    text = _tree(name)
    if theme.name == "dark":
        return text
    colours = {
        THEME["card"]: theme.card, THEME["line"]: theme.line, THEME["text"]: theme.text, THEME["muted"]: theme.muted,
        THEME["accent"]: theme.accent, "#242424": "#eef1f4", "#4a4a4a": "#b9c1ca", "#c4cdcd": "#3d4650",
        T_COLOUR: "#66727d", K_COLOUR: "#5b4fc7",
    }  # fmt: skip
    colours |= {readable(each): _text_colour(each, theme) for each in GROUP_NAMES}
    for before, after in colours.items():
        text = text.replace(f'"{before}"', f'"\0{after[1:]}"')  # so that no colour is replaced twice
    return text.replace("\0", "#")


def _text_colour(name: str, theme: Palette) -> str:
    """A group's colour, darkened until its name can be read."""
    return darkened(mark_colour(name, theme), "#eef1f4", READABLE)
