"""`python -m dashboard`.

Nothing but the entry; `dashboard.command` reads the options.
"""

from dashboard.command import main

if __name__ in {"__main__", "__mp_main__"}:
    main(prog_name="python -m dashboard")
