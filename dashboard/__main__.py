"""`python -m dashboard`.

Nothing but the entry; `dashboard.command` reads the options.
"""

import os

from dashboard.command import main

TYPED = "WALLPAPER_DASHBOARD_TYPED"
"""Set by `wallpaper dashboard`: what somebody has typed, for the messages about it."""

if __name__ in {"__main__", "__mp_main__"}:
    main(prog_name=os.environ.pop(TYPED, "python -m dashboard"))
