"""Where a run comes from: the code's version and commit, the user, the machine and the process.

Plain text for a tracker to keep; imports none.
"""

from __future__ import annotations

import getpass
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

import psutil


def tags() -> dict[str, str]:
    """What a run's record says of its origin. The commit has the name that MLflow shows it under."""
    head, changed = commit()
    known = {"mlflow.source.git.commit": head, "git.dirty": str(changed).lower()} if head else {}
    return {"wallpaper.version": version(), "wallpaper.host": host(), "wallpaper.process": process(), **known}


def version() -> str:
    """The installed package's version; "unknown" where it runs without being installed."""
    try:
        return metadata.version("wallpaper")
    except metadata.PackageNotFoundError:
        return "unknown"


def commit() -> tuple[str, bool]:
    """The commit of the code's checkout, empty where there is none, and whether tracked files differ from it."""
    head = _git("rev-parse", "--verify", "--quiet", "HEAD")
    return head, bool(head) and bool(_git("status", "--porcelain", "--untracked-files=no"))


def user() -> str:
    """The user's name; "unknown" where the system has none for this user id."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def host() -> str:
    """This machine's name."""
    return platform.node()


def process(pid: int | None = None) -> str:
    """A process, by default this one, as text that no later process shares: process ids are used again.

    Raises: psutil.NoSuchProcess.
    """
    pid = os.getpid() if pid is None else pid
    return f"{pid} {psutil.Process(pid).create_time():.0f}"


def is_alive(text: str) -> bool:
    """Whether the process that `process` gave `text` for still runs on this machine."""
    try:
        return process(int(text.split()[0])) == text
    except (psutil.NoSuchProcess, ValueError, IndexError):
        return False


def listener(port: int) -> str:
    """The program that listens at a port of this machine, as far as this user may know."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        pass
    return "another program"


def available_memory() -> int:
    """Bytes that a new program on this machine can have without swapping."""
    return int(psutil.virtual_memory().available)


def _git(*arguments: str) -> str:
    """What git says about the code's checkout; empty where it is none or git is missing."""
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
