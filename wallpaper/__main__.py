"""`python -m wallpaper` is the `wallpaper` command.

Nothing else: it exists for machines where the command is not on the path.
"""

from __future__ import annotations

from wallpaper.cli import main

if __name__ == "__main__":
    main(prog_name="wallpaper")
