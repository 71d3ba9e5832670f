"""A search from its options to its end: begun or gone on with, stopped by a signal, its mistakes told in a sentence.

Knows no trials: they are `tune.campaign`'s.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from tune import options as asked
from tune.campaign import Campaign, load_saved, parts_of
from tune.options import Options
from tune.outcome import say_how_to_resume
from tune.preview import preview
from tune.stopping import STOPPED
from wallpaper import tracking
from wallpaper.training.checkpoint import CheckpointError
from wallpaper.training.stopping import TrainingError


def begin(given: Mapping[str, Any], typed: set[str]) -> None:
    """Search. Exits with 130 when it is stopped, 2 after a mistake of the user, 1 after any other failure.

    Args: given: all options, by the names of `Options`. typed: those that the user gave.
    """
    folder: list[Path] = []
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _search(Options(**given), typed, folder)
    except KeyboardInterrupt:
        if folder:
            say_how_to_resume(folder[0], folder[0].parent)
        sys.exit(STOPPED)
    except (TrainingError, tracking.TrackingError, CheckpointError, ValueError, OSError, RuntimeError) as error:
        if os.environ.get("WALLPAPER_TRACEBACK"):
            raise
        click.echo(f"Error: {error}", err=True)
        usage = isinstance(error, (CheckpointError, ValueError, OSError))
        if folder and not usage:
            say_how_to_resume(folder[0], folder[0].parent)
        sys.exit(2 if usage else 1)
    finally:
        signal.signal(signal.SIGTERM, previous)


def _search(options: Options, typed: set[str], begun: list[Path]) -> None:
    """Begin a search or go on with one; `begun` gets its folder once there is one to go on with."""
    saved: dict[str, Any] | None = None
    options.check()
    if options.resume:
        folder = asked.search_folder(options.storage_path, options.resume)
        saved, options = load_saved(folder), asked.resumed(folder, options, typed)
        options.resources.check()
    data = Path(saved["data"]) if saved else asked.find_data(options.data)
    vae = None
    if saved and saved["vae"]:
        vae = Path(saved["vae"])
    elif options.phase == "ode":
        vae = asked.find_vae(options.vae)
    parts = parts_of(options, vae, saved)
    if options.warm_start:
        for part in parts:
            asked.warm_database(options.storage_path, options.warm_start, part.phase.name)
    if options.dry_run:
        preview(options, parts, data, vae)
        return
    tracking.initialise()  # a store that does not answer leaves no folder to go on with
    if not options.resume:
        folder = asked.new_folder(options.storage_path, options.name)
    asked.take(folder)
    campaign = Campaign(folder, options, data, vae, parts)
    campaign.remember()
    begun.append(folder)
    click.echo(f"Search {folder.name}, in {folder}")
    campaign.run()
