"""Where runs are recorded, as an address: the one that commands use, the file behind it, and how it is shown.

Passwords may stand in addresses; messages, logs, tags and files get them without. Does not load MLflow.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from wallpaper.checkout import project_root

DATABASE = "mlflow.db"

SERVERS = ("http", "https")

DATABASES = {"postgresql": "postgresql+psycopg2", "mysql": "mysql+pymysql", "mssql": "mssql+pymssql"}
"""Databases besides SQLite that MLflow records in, and an address that names the driver too."""

_USER = re.compile(r"(?<=://)[^/\s@]+@")


def tracking_uri() -> str:
    """MLFLOW_TRACKING_URI if set, else a database in the project's folder. A relative SQLite path is made absolute."""
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{project_root() / DATABASE}"
    database = database_path(uri)
    return uri if database is None else f"sqlite:///{database}"


def database_path(uri: str) -> Path | None:
    """The file of an SQLite address as an absolute path; None for any other store."""
    name = uri.removeprefix("sqlite:///")
    return None if name == uri else Path(name).absolute()


def scheme_of(uri: str) -> str:
    """What an address begins with, without a database's driver.

    >>> scheme_of("postgresql+psycopg2://db/mlflow")
    'postgresql'
    """
    return uri.partition(":")[0].partition("+")[0]


def fault_of(uri: str) -> tuple[str, str]:
    """What is wrong with an address, whoever may be behind it, and what to do; two empty texts if nothing is.

    >>> fault_of("http://127.0.0.1:5000")
    ('', '')
    """
    database = database_path(uri)
    if database is not None:
        if database.parent.is_dir():
            return "", ""
        return "its folder is not there", f"mkdir -p {database.parent}, or name another file"
    if scheme_of(uri) in (*SERVERS, *DATABASES, "databricks"):
        return "", ""
    remedy = "use sqlite:///FILE, a server's http address, or a database's address"
    return "it is none that MLflow records in", remedy


def without_passwords(text: str) -> str:
    """The text, whatever addresses it holds, without their users and passwords.

    >>> without_passwords("see https://ada:secret@example.org/x and postgresql+psycopg2://me:p@db/mlflow")
    'see https://example.org/x and postgresql+psycopg2://db/mlflow'
    >>> without_passwords("sqlite:////tmp/a@b.db")
    'sqlite:////tmp/a@b.db'
    """
    return _USER.sub("", text)


def reason_of(error: Exception) -> str:
    """Why a store does not answer: the error's first line; of a connection that failed, what the system said.

    MLflow wraps a whole address and three libraries' words around that.
    """
    lines = str(error).strip().splitlines() or [type(error).__name__]
    said = re.search(r"\[Errno -?\d+\] ([^\"')]+)", lines[0]) if "Max retries exceeded" in lines[0] else None
    return said[1] if said else lines[0][:300]
