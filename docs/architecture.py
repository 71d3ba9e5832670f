"""Draws which part of the code imports which, read from the code itself: `python -m docs.architecture`.

A line that others imply is left out: where a imports b, b imports c, and a imports c, c is drawn below b alone.
tests/docs/test_architecture_picture.py holds the picture against the code.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path

from wallpaper.pictures.colours import THEME
from wallpaper.pictures.tree_layout import Graph, place

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "images" / "architecture.svg"

APPLICATIONS = ("tune", "serving", "dashboard")
"""Beside the library; they run from the checkout."""

COLUMN, LEVEL, WIDTH, HEIGHT, MARGIN = 62.0, 72.0, 112.0, 34.0, 28.0
"""Pixels: distances of columns and levels, a box, the border."""

COLOURS = {"application": THEME["accent"], "outer": THEME["secondary"], "core": THEME["primary"]}
WORDS = {
    "application": "applications: click, Ray, MLflow, NiceGUI",
    "outer": "the library's outer shell: one application library each",
    "core": "the core: runs without any of these",
}
OUTER = ("recorded", "tracking", "delivery", "cluster", "mlflow_plugin", "provenance")

Imports = Mapping[str, frozenset[str]]


def imports(root: Path) -> dict[str, frozenset[str]]:
    """For each part of the code, the other parts that it imports anywhere: packages and modules of `wallpaper`
    without its name, and the applications."""
    found: dict[str, set[str]] = {}
    for package in ("wallpaper", *APPLICATIONS):
        for path in sorted((root / package).rglob("*.py")):
            part = _part(path.relative_to(root).with_suffix("").parts)
            if part is not None:
                found.setdefault(part, set()).update(_imported(path))
    return {part: frozenset((others & found.keys()) - {part}) for part, others in found.items()}


def _part(names: tuple[str, ...]) -> str | None:
    """The part that a dotted name belongs to; None for the names that are no part of their own."""
    if names[0] in APPLICATIONS:
        return names[0]
    inside = names[0] == "wallpaper" and len(names) > 1 and not names[1].startswith("__")
    return names[1] if inside else None


def _imported(path: Path) -> set[str]:
    parts = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            parts |= {_part(tuple(alias.name.split("."))) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            parts |= {_part(tuple(f"{node.module}.{alias.name}".split("."))) for alias in node.names}
    return {part for part in parts if part is not None}


def reduced(graph: Imports) -> dict[str, frozenset[str]]:
    """The same imports without those that a longer way implies.

    Raises: ValueError: parts that import each other.
    """

    @cache
    def below(part: str) -> frozenset[str]:
        reached = graph[part].union(*(below(other) for other in graph[part]))
        return reached

    try:
        return {part: others - frozenset().union(*(below(other) for other in others)) for part, others in graph.items()}
    except RecursionError as error:
        raise ValueError(f"parts must not import each other, but some of {sorted(graph)} do") from error


def levels(graph: Imports) -> dict[str, int]:
    """How far each part stands above those that import nothing: 0 for these."""

    @cache
    def height(part: str) -> int:
        return 1 + max((height(other) for other in graph[part]), default=-1)

    return {part: height(part) for part in graph}


def drawing(root: Path) -> str:
    """SVG text of the parts and their imports."""
    graph = reduced(imports(root))
    heights = levels(graph)
    top = max(heights.values())
    names = sorted(graph)
    down = tuple((names.index(part), names.index(other)) for part in names for other in sorted(graph[part]))
    columns = place(Graph(tuple(top - heights[name] for name in names), down, ()))
    points = {
        name: (MARGIN + WIDTH / 2 + column * COLUMN, MARGIN + HEIGHT / 2 + (top - heights[name]) * LEVEL)
        for name, column in zip(names, columns.tolist(), strict=True)
    }
    width = max(x for x, _ in points.values()) + WIDTH / 2 + MARGIN
    height = 2 * MARGIN + HEIGHT + top * LEVEL + 26 * len(WORDS)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}"'
        " font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, sans-serif\">",
        "<title>Which part of the code imports which</title>",
        f'<rect width="{width:g}" height="{height:g}" rx="14" fill="{THEME["card"]}"/>',
        *(_line(names[a], names[b], points) for a, b in down),
        *(_box(name, points[name]) for name in names),
        *_legend(height),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def kind(part: str) -> str:
    """Which of `WORDS` a part is."""
    if part in (*APPLICATIONS, "cli"):
        return "application"
    return "outer" if part in OUTER else "core"


def _line(part: str, imported: str, points: Mapping[str, tuple[float, float]]) -> str:
    (x0, y0), (x1, y1) = points[part], points[imported]
    y0, y1 = y0 + HEIGHT / 2, y1 - HEIGHT / 2
    ends = f'x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}"'
    return f'<line id="{part}-{imported}" {ends} stroke="#7d8a8a" stroke-width="1.3"/>'


def _box(name: str, point: tuple[float, float]) -> str:
    x, y = point
    colour = COLOURS[kind(name)]
    return (
        f'<rect x="{x - WIDTH / 2:.1f}" y="{y - HEIGHT / 2:.1f}" width="{WIDTH:g}" height="{HEIGHT:g}" rx="8" '
        f'fill="#242424" stroke="{colour}" stroke-width="1.4"/>'
        f'<text x="{x:.1f}" y="{y + 4.5:.1f}" font-size="13" fill="{colour}" text-anchor="middle">{escape(name)}</text>'
    )


def _legend(height: float) -> list[str]:
    lines = []
    for row, (key, words) in enumerate(WORDS.items()):
        y = height - MARGIN - 24 * (len(WORDS) - 1 - row)
        lines.append(
            f'<rect x="{MARGIN:g}" y="{y - 10:g}" width="12" height="12" rx="3" fill="{COLOURS[key]}"/>'
            f'<text x="{MARGIN + 20:g}" y="{y:g}" font-size="12" fill="{THEME["muted"]}">{escape(words)}</text>'
        )
    return lines


if __name__ == "__main__":
    PICTURE.write_text(drawing(ROOT), encoding="utf-8")
