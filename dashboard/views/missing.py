"""Why a run has no losses, and where to look instead.

Words from plain data; knows no page.
"""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.store import RunRecord
from dashboard.views.progress import STATES

TRAIN = "wallpaper train-vae --preset laptop"

YET = "They appear here after a training's first epoch; this page looks by itself."

TRAINS_NOTHING = {
    "evaluate": ("An evaluation has no loss curve", "It measures a model; the versions show its figures.", "models"),
    "register": ("A registration has no loss curve", "It brings a model into the registry, and trains none.", "models"),
    "search": ("A search has no loss curve of its own", "Each of its trials is a training, and has one.", "search"),
}
"""By phase: title, reason, and the tab that shows what there is."""

ENDS = {"finished": "has ended", "failed": "has failed", "stopped": "was stopped"}


@dataclass(frozen=True, slots=True)
class Missing:
    """What is said in place of losses."""

    title: str
    reason: str
    tab: str = ""
    """Name of the tab to open instead; empty for none."""
    typed: str = ""
    """What to type, so that there will be some."""


def no_losses(run: RunRecord | None) -> Missing:
    """Why there are none. Args: run: the chosen one, which has recorded no loss; None if there is no run.

    >>> no_losses(None).title
    'No losses yet'
    """
    if run is None:
        return Missing("No losses yet", YET, typed=TRAIN)
    state = STATES.get(run.status, "")
    if run.phase in TRAINS_NOTHING:
        title, reason, tab = TRAINS_NOTHING[run.phase]
        failed = state == "failed"
        return Missing(title, f"{reason} This one has failed." if failed else reason, "logs" if failed else tab)
    if state not in ENDS:
        return Missing("No losses yet", YET)
    reason = f"This run {ENDS[state]} before its first epoch was over, and will have none."
    return Missing("No losses", reason, "logs", TRAIN)
