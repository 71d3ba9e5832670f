"""Promotes versions and rolls back, by the commands that a terminal has: `wallpaper promote` and `wallpaper rollback`.

Each runs as a process of its own, since applications never import each other, and one after the other: a gate's trial
loads a model. Never blocks the event loop; knows no page. What several dashboards do at once, the registry orders.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboard.store.source import PATIENCE

ROOT = Path(__file__).resolve().parents[1]

LONGEST_SECONDS = 600.0
"""That a command may take; a trial takes some ten."""

LONGEST_REASON, LONGEST_NAME = 1000, 80
"""Characters; the registry keeps no more."""


class MoveError(RuntimeError):
    """Why a command said nothing of gates or aliases, in one sentence. Whether an alias moved, the registry tells."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate: what was found, what is allowed, whether it holds, and what to do if not."""

    gate: str
    value: str
    bound: str
    holds: bool
    remedy: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a promotion or a rollback came to, or would come to."""

    name: str
    version: str
    """The one that was to be champion."""
    before: str
    """The champion until then; "" for none."""
    now: str
    """The champion after it; "" for none."""
    refused: bool
    gates: tuple[Gate, ...] = ()

    @property
    def failing(self) -> tuple[Gate, ...]:
        """Gates that do not hold."""
        return tuple(each for each in self.gates if not each.holds)


class Mover:
    """Moves @champion in the registry of a store. `stop` it after use."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="promotion")
        self._process: subprocess.Popen[str] | None = None

    async def try_promote(self, name: str, version: int) -> Outcome:
        """What the gates say; nothing moves. Raises: MoveError."""
        return await self._outcome(["promote", str(version), f"--name={name}", "--dry-run"])

    async def promote(self, name: str, version: int, *, force: bool, reason: str, by: str) -> Outcome:
        """Make it @champion if all gates hold, or by force. Raises: MoveError."""
        force_option = ["--force"] * force
        return await self._outcome(["promote", str(version), f"--name={name}", *force_option, *_said(reason, by)])

    async def try_roll_back(self, name: str) -> Outcome:
        """Where a rollback would go; nothing moves. Raises: MoveError."""
        return await self._outcome(["rollback", f"--name={name}", "--dry-run"])

    async def roll_back(self, name: str, *, to: str, reason: str, by: str) -> Outcome:
        """Make the former champion champion again, if that is `to`. Raises: MoveError."""
        return await self._outcome(["rollback", f"--name={name}", f"--to={to}", *_said(reason, by)])

    def stop(self) -> None:
        """Begin no more, and end the command that runs, which says whether an alias has moved."""
        self._worker.shutdown(wait=False, cancel_futures=True)
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()

    async def _outcome(self, words: Sequence[str]) -> Outcome:
        done = await asyncio.wrap_future(self._worker.submit(self._run, [*words, "--json"]))
        return outcome_of(*done)

    def _run(self, words: Sequence[str]) -> tuple[int, str, str]:
        """Run `wallpaper WORDS`. Returns: exit code, output and errors. Blocks. Raises: MoveError: it took too long."""
        own = {name: value for name, value in os.environ.items() if PATIENCE.get(name) != value}
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        with subprocess.Popen(
            [sys.executable, "-m", "wallpaper", *words],
            env={**own, "PYTHONPATH": path, "MLFLOW_TRACKING_URI": self._uri},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            self._process = process
            try:
                output, errors = process.communicate(timeout=LONGEST_SECONDS)
            except subprocess.TimeoutExpired as error:
                process.terminate()
                raise MoveError(
                    f"`wallpaper {words[0]}` must end within {LONGEST_SECONDS:.0f} s, but did not, and was stopped; "
                    "see whether the tracking store answers"
                ) from error
        return process.returncode, output, errors


def _said(reason: str, by: str) -> list[str]:
    """Options for what somebody has typed; no process can be given a zero byte."""
    words = {"reason": reason[:LONGEST_REASON], "by": by[:LONGEST_NAME]}
    return [f"--{name}={text.replace(chr(0), '').strip()}" for name, text in words.items()]


def outcome_of(code: int, output: str, errors: str) -> Outcome:
    """What a command has printed. Raises: MoveError: it failed; then its own sentence."""
    if code not in (0, 1) or not output.strip():
        lines = [line for line in errors.splitlines() if line.strip()] or [f"exit code {code}"]
        told = [line.removeprefix("Error: ") for line in lines if line.startswith("Error: ")] or lines
        raise MoveError(told[-1].strip())
    found: dict[str, Any] = json.loads(output)
    return Outcome(
        str(found["name"]), str(found["version"]), str(found["before"] or ""), str(found["now"] or ""),
        bool(found["refused"]), tuple(Gate(**each) for each in found["gates"]),
    )  # fmt: skip
