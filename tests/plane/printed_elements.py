"""The symmetry elements that International Tables for Crystallography A (2016), chapter 2.2, prints of each group.

Centres are the Wyckoff positions without free parameter, with their site symmetry; lines are read off the diagrams of
symmetry elements. Written by hand; nothing here is computed.
"""

from __future__ import annotations

CENTRES = {
    "p1": {},
    "p2": {"2": "0,0  0,1/2  1/2,0  1/2,1/2"},
    "pm": {},
    "pg": {},
    "cm": {},
    "pmm": {"2mm": "0,0  0,1/2  1/2,0  1/2,1/2"},
    "pmg": {"2": "0,0  1/2,0  0,1/2  1/2,1/2"},
    "pgg": {"2": "0,0  1/2,1/2  1/2,0  0,1/2"},
    "cmm": {"2mm": "0,0  1/2,1/2  0,1/2  1/2,0", "2": "1/4,1/4  3/4,1/4  3/4,3/4  1/4,3/4"},
    "p4": {"4": "0,0  1/2,1/2", "2": "1/2,0  0,1/2"},
    "p4m": {"4mm": "0,0  1/2,1/2", "2mm": "1/2,0  0,1/2"},
    "p4g": {"4": "0,0  1/2,1/2", "2mm": "1/2,0  0,1/2"},
    "p3": {"3": "0,0  1/3,2/3  2/3,1/3"},
    "p3m1": {"3m": "0,0  1/3,2/3  2/3,1/3"},
    "p31m": {"3m": "0,0", "3": "1/3,2/3  2/3,1/3"},
    "p6": {"6": "0,0", "3": "1/3,2/3  2/3,1/3", "2": "1/2,0  0,1/2  1/2,1/2"},
    "p6m": {"6mm": "0,0", "3m": "1/3,2/3  2/3,1/3", "2mm": "1/2,0  0,1/2  1/2,1/2"},
}
"""By group and site symmetry, every point of the conventional cell."""

MIRRORS_THROUGH = {"2": 0, "2mm": 2, "3": 0, "3m": 3, "4": 0, "4mm": 4, "6": 0, "6mm": 6}
"""How many mirror lines cross at a point of that site symmetry."""

LINES = {
    "p1": "",
    "p2": "",
    "pm": "m x=0  m x=1/2",
    "pg": "g x=0  g x=1/2",
    "cm": "m x=0  m x=1/2  g x=1/4  g x=3/4",
    "pmm": "m x=0  m x=1/2  m y=0  m y=1/2",
    "pmg": "m x=1/4  m x=3/4  g y=0  g y=1/2",
    "pgg": "g x=1/4  g x=3/4  g y=1/4  g y=3/4",
    "cmm": "m x=0  m x=1/2  g x=1/4  g x=3/4  m y=0  m y=1/2  g y=1/4  g y=3/4",
    "p4": "",
    "p4m": "m x=0  m x=1/2  m y=0  m y=1/2  m x-y=0  m x+y=0  g x-y=1/2  g x+y=1/2",
    "p4g": "g x=1/4  g x=3/4  g y=1/4  g y=3/4  m x-y=1/2  m x+y=1/2  g x-y=0  g x+y=0",
    "p3": "",
    "p3m1": "m x+y=0  g x+y=1/2  m 2x-y=0  g 2x-y=1/2  m x-2y=0  g x-2y=1/2",
    "p31m": "m x=0  g x=1/2  m y=0  g y=1/2  m x-y=0  g x-y=1/2",
    "p6": "",
    "p6m": "m x=0  g x=1/2  m y=0  g y=1/2  m x-y=0  g x-y=1/2  "
    "m x+y=0  g x+y=1/2  m 2x-y=0  g 2x-y=1/2  m x-2y=0  g x-2y=1/2",
}
"""Mirror (m) and glide (g) lines by their equation, each once modulo translations of the conventional cell."""
