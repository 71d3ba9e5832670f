"""`python -m wallpaper` is the `wallpaper` command."""

from __future__ import annotations

from wallpaper.cli import main

if __name__ == "__main__":
    main(prog_name="wallpaper")
