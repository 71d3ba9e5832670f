"""Numbers, times and names as people read them.

Everything that comes from a store is escaped or shortened here before a figure shows it.
"""

from __future__ import annotations

import html
import math
from datetime import datetime


def number(value: float | None) -> str:
    """Four digits; very small and very large ones with an exponent.

    >>> number(0.46304), number(49.5548), number(84.0), number(0.00018), number(None)
    ('0.463', '49.55', '84', '1.80e-04', '–')
    """
    if value is None:
        return "–"
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "infinite"
    if value and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.2e}"
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def duration(seconds: float | None) -> str:
    """To two places.

    >>> duration(42), duration(3900), duration(200000), duration(None)
    ('42 s', '1 h 05 min', '2 d 7 h', '–')
    """
    if seconds is None or not math.isfinite(seconds):
        return "–"
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s" if seconds >= 10 or whole == seconds else f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def ago(time: float, now: float) -> str:
    """How long a time is past.

    >>> ago(1000, 1003), ago(1000, 1130), ago(0, 8000), ago(0, 200000)
    ('just now', '2 min ago', '2 h ago', '2 d ago')
    """
    past = now - time
    for length, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if past >= length:
            return f"{past // length:.0f} {unit} ago"
    return f"{past:.0f} s ago" if past >= 10 else "just now"


def clock(time: float) -> str:
    """The local time of day."""
    return datetime.fromtimestamp(time).strftime("%H:%M:%S")


def day_and_time(time: float) -> str:
    """The local date and time."""
    return datetime.fromtimestamp(time).strftime("%d %b %Y, %H:%M")


def plain(text: str) -> str:
    """Text for a figure, where plotly would read tags: shown as it is.

    >>> plain("<b>run</b>")
    '&lt;b&gt;run&lt;/b&gt;'
    """
    return html.escape(text, quote=False)


PHASES = {
    "train_vae": "VAE",
    "train_ode": "ODE",
    "search": "Search",
    "demo": "Demo",
    "evaluate": "Evaluation",
    "register": "Registration",
}


def phase(name: str) -> str:
    """A run's phase in a word."""
    return PHASES.get(name, name.replace("_", " ").capitalize() or "Run")
