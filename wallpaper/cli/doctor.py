"""`wallpaper doctor`: is everything there that the commands need, and what to do where it is not.

How findings are shown, and which make it fail; what is looked at stands in `checks`.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click

from wallpaper.cli.finding import Verdict

COLOURS: dict[Verdict, str] = {"ok": "green", "warning": "yellow", "wrong": "red"}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(as_json: bool) -> None:
    """Check what the commands need here: versions, store, datasets, models, GPU, ports, tools; say what to do.

    A warning can be lived with; what is wrong makes some command fail, and the exit code 1. Nothing is changed.

    \b
    Examples:
      wallpaper doctor
      wallpaper doctor --json           for a program
    """
    from wallpaper.cli.checks import CHECKS  # noqa: PLC0415 - loads torch, which takes seconds: help does not wait

    findings = [finding for check in CHECKS for finding in check()]
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        for finding in findings:
            verdict = click.style(f"{finding.verdict:8}", fg=COLOURS[finding.verdict])
            click.echo(f"{verdict} {finding.subject:12} {finding.said}")
            if finding.remedy:
                click.echo(f"{'':21} -> {finding.remedy}")
    sys.exit(any(finding.verdict == "wrong" for finding in findings))
