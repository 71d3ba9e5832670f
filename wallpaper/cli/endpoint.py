"""What `wallpaper transition --endpoint` does: a thin door to the client of a server's transitions.

Options only; the request, the files and what is said of them are the serving application's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wallpaper.cli.application import call

NOT_THERE = {
    "model": "`--model` chooses a model of this machine, but `--endpoint` asks the server's; give one of the two",
    "spectrum": "`--spectrum` is measured on the model itself, which stays with the server; leave it out, or leave out "
    "`--endpoint` and make the transition on this machine",
}
"""Options that no server has, and what to do instead."""


def ask(endpoint: str, source: str, target: str, **options: Any) -> int:
    """Let a server make the transition and write its files; the exit code.

    Args: options: by their names on the command line; None where one was not given.
    Raises: click.UsageError: an option that no server has.
    """
    given = {name: value for name, value in options.items() if value is not None}
    for name, message in NOT_THERE.items():
        if name in given:
            raise click.UsageError(message)
    words = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    command = ["-m", "serving.ask", f"--folder={Path.cwd()}", *words, "--", endpoint, source, target]
    return call("serving", command, needs_store=False)
