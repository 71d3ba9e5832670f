"""What International Tables for Crystallography A (2016), chapter 2.2, prints of the 17 plane groups.

Written from the book's tables, by hand; nothing here is computed. `+` before a coordinate triplet of a
centred group means the book's heading (0,0)+ (1/2,1/2)+.
"""

from __future__ import annotations

CENTRED = ("cm", "cmm")

GENERAL_POSITIONS = {
    "p1": "x,y",
    "p2": "x,y  -x,-y",
    "pm": "x,y  -x,y",
    "pg": "x,y  -x,y+1/2",
    "cm": "x,y  -x,y",
    "pmm": "x,y  -x,-y  -x,y  x,-y",
    "pmg": "x,y  -x,-y  -x+1/2,y  x+1/2,-y",
    "pgg": "x,y  -x,-y  -x+1/2,y+1/2  x+1/2,-y+1/2",
    "cmm": "x,y  -x,-y  -x,y  x,-y",
    "p4": "x,y  -x,-y  -y,x  y,-x",
    "p4m": "x,y  -x,-y  -y,x  y,-x  -x,y  x,-y  y,x  -y,-x",
    "p4g": "x,y  -x,-y  -y,x  y,-x  -x+1/2,y+1/2  x+1/2,-y+1/2  y+1/2,x+1/2  -y+1/2,-x+1/2",
    "p3": "x,y  -y,x-y  -x+y,-x",
    "p3m1": "x,y  -y,x-y  -x+y,-x  -y,-x  -x+y,y  x,x-y",
    "p31m": "x,y  -y,x-y  -x+y,-x  y,x  x-y,-y  -x,-x+y",
    "p6": "x,y  -y,x-y  -x+y,-x  -x,-y  y,-x+y  x-y,x",
    "p6m": "x,y  -y,x-y  -x+y,-x  -x,-y  y,-x+y  x-y,x  -y,-x  -x+y,y  x,x-y  y,x  x-y,-y  -x,-x+y",
}
"""The general position of each group, origin and setting as printed; without the centring's second half."""

PROPERTIES = {
    "p1": (1, "p1", "oblique", 1, 1, 0, 0, "o"),
    "p2": (2, "p2", "oblique", 2, 2, 0, 0, "2222"),
    "pm": (3, "p1m1", "rectangular", 2, 1, 1, 0, "**"),
    "pg": (4, "p1g1", "rectangular", 2, 1, 0, 1, "xx"),
    "cm": (5, "c1m1", "rectangular", 2, 1, 1, 1, "*x"),
    "pmm": (6, "p2mm", "rectangular", 4, 2, 2, 0, "*2222"),
    "pmg": (7, "p2mg", "rectangular", 4, 2, 1, 1, "22*"),
    "pgg": (8, "p2gg", "rectangular", 4, 2, 0, 2, "22x"),
    "cmm": (9, "c2mm", "rectangular", 4, 2, 2, 2, "2*22"),
    "p4": (10, "p4", "square", 4, 4, 0, 0, "442"),
    "p4m": (11, "p4mm", "square", 8, 4, 4, 2, "*442"),
    "p4g": (12, "p4gm", "square", 8, 4, 2, 4, "4*2"),
    "p3": (13, "p3", "hexagonal", 3, 3, 0, 0, "333"),
    "p3m1": (14, "p3m1", "hexagonal", 6, 3, 3, 3, "*333"),
    "p31m": (15, "p31m", "hexagonal", 6, 3, 3, 3, "3*3"),
    "p6": (16, "p6", "hexagonal", 6, 6, 0, 0, "632"),
    "p6m": (17, "p6mm", "hexagonal", 12, 6, 6, 6, "*632"),
}
"""Number, full symbol, lattice, order of the point group, rotation order, directions of mirror lines,
directions of glide lines (both read off the diagrams of symmetry elements), Conway's symbol."""

HALL_SYMBOLS = {
    "p1": "P 1",
    "p2": "P 2",
    "pm": "P -2x",
    "pg": "P -2xb",
    "cm": "C -2x",
    "pmm": "P 2 -2",
    "pmg": "P 2 -2a",
    "pgg": "P 2 -2ab",
    "cmm": "C 2 -2",
    "p4": "P 4",
    "p4m": "P 4 -2",
    "p4g": "P 4 -2ab",
    "p3": "P 3",
    "p3m1": 'P 3 -2"',
    "p31m": "P 3 -2",
    "p6": "P 6",
    "p6m": "P 6 -2",
}
"""Hall symbol (International Tables B, 1.4) of the space group whose projection along c is the plane group."""

POLAR_SPACE_GROUPS = {
    "p1": 1,  # P1
    "p2": 3,  # P2, unique axis c
    "pm": 6,  # Pm
    "pg": 7,  # Pc
    "cm": 8,  # Cm
    "pmm": 25,  # Pmm2
    "pmg": 28,  # Pma2
    "pgg": 32,  # Pba2
    "cmm": 35,  # Cmm2
    "p4": 75,
    "p4m": 99,  # P4mm
    "p4g": 100,  # P4bm
    "p3": 143,
    "p3m1": 156,
    "p31m": 157,
    "p6": 168,
    "p6m": 183,  # P6mm
}
"""Number of the space group made of the plane group's operations, with z left alone."""

MAXIMAL_SUBGROUPS = {
    "p2": ("p1",),
    "pm": ("p1",),
    "pg": ("p1",),
    "cm": ("p1",),
    "pmm": ("p2", "pm"),
    "pmg": ("p2", "pm", "pg"),
    "pgg": ("p2", "pg"),
    "cmm": ("p2", "cm"),
    "p4": ("p2",),
    "p4m": ("p4", "pmm", "cmm"),
    "p4g": ("p4", "pgg", "cmm"),
    "p3": ("p1",),
    "p3m1": ("p3", "cm"),
    "p31m": ("p3", "cm"),
    "p6": ("p3", "p2"),
    "p6m": ("p6", "p31m", "p3m1", "cmm"),
}
"""Types of the maximal translationengleiche subgroups (International Tables A1, chapter 2.2, under I)."""
