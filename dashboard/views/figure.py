"""What all figures have in common: ground, grid, fonts, and what plotly may show around them.

Layout as dicts in plotly's schema; knows no data.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from dashboard.theme import FONT, Palette

Figure: TypeAlias = dict[str, Any]
"""data, layout and config, as plotly.js takes them."""

CONFIG = {
    "displaylogo": False,
    "responsive": True,
    "showSendToCloud": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d", "toImage"],
}


def figure(data: list[dict[str, Any]], theme: Palette, **layout: Any) -> Figure:
    """A figure on a card; `layout` goes over what all have. Zoom and hidden traces are kept when it is drawn anew."""
    clear = "rgba(0, 0, 0, 0)"
    base: dict[str, Any] = {
        "paper_bgcolor": theme.card,  # also of the halo around what is drawn over it
        "plot_bgcolor": theme.card,
        "font": {"family": FONT, "size": 12, "color": theme.text},
        "margin": {"l": 56, "r": 12, "t": 12, "b": 44},
        "hovermode": "x unified",
        "hoverlabel": {
            "bgcolor": theme.card,
            "bordercolor": theme.line,
            "font": {"color": theme.text, "family": FONT, "size": 12},
        },
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "font": {"color": theme.text}},
        "modebar": {"bgcolor": clear, "color": theme.muted, "activecolor": theme.primary, "orientation": "h"},
        "uirevision": "kept",
        "autosize": True,
    }
    return {"data": data, "layout": base | layout, "config": CONFIG}


def axis(theme: Palette, title: str = "", **more: Any) -> dict[str, Any]:
    """One axis with a quiet grid."""
    return {
        "title": {"text": title, "font": {"color": theme.muted, "size": 12}, "standoff": 8},
        "gridcolor": theme.line,
        "linecolor": theme.line,
        "zeroline": False,
        "tickfont": {"color": theme.muted, "size": 11},
        "automargin": True,
        "spikecolor": theme.muted,
        "spikethickness": 1,
        "spikedash": "dot",
        **more,
    }
