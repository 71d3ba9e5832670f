"""Addresses without the passwords that may stand in them: for messages, logs, tags and files.

Knows no address by itself: any text will do.
"""

from __future__ import annotations

import re

_USER = re.compile(r"(?<=://)[^/\s@]+@")


def without_passwords(text: str) -> str:
    """The text, whatever addresses it holds, without their users and passwords.

    >>> without_passwords("see https://ada:secret@example.org/x and postgresql+psycopg2://me:p@db/mlflow")
    'see https://example.org/x and postgresql+psycopg2://db/mlflow'
    >>> without_passwords("sqlite:////tmp/a@b.db")
    'sqlite:////tmp/a@b.db'
    """
    return _USER.sub("", text)
