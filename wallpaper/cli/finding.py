"""What a check of `wallpaper doctor` says, as plain data.

Knows no check.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Verdict: TypeAlias = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check says."""

    subject: str
    verdict: Verdict
    said: str
    remedy: str = ""
