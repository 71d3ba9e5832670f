"""What can be told of the MLflow store without MLflow, which may be what is broken: by its database's file alone.

Changes nothing. Of a store behind a server, only whether it answers.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from wallpaper import provenance
from wallpaper.checkout import project_root
from wallpaper.cli.finding import Finding
from wallpaper.journal import find
from wallpaper.store_address import (
    DATABASES,
    SERVERS,
    database_path,
    fault_of,
    reason_of,
    scheme_of,
    tracking_uri,
    without_passwords,
)

SECONDS = 3.0
"""Until a server that says nothing counts as away."""

_REVISION = re.compile(r"^(down_)?revision = ['\"](\w+)['\"]", re.MULTILINE)

_RUNNING = (
    "SELECT p.value FROM runs r JOIN tags h USING (run_uuid) JOIN tags p USING (run_uuid) "
    "WHERE r.status = 'RUNNING' AND h.key = 'wallpaper.host' AND h.value = ? AND p.key = 'wallpaper.process'"
)


def check_store() -> Iterator[Finding]:
    """The store that commands use here, and what still waits to be sent to it."""
    uri = tracking_uri()
    database = database_path(uri)
    fault, remedy = fault_of(uri)
    if fault:
        yield Finding("store", "wrong", f"{without_passwords(uri)}: {fault}", remedy)
    elif database is not None:
        yield from _database(database)
    elif scheme_of(uri) in SERVERS:
        yield _server(uri)
    elif scheme_of(uri) in DATABASES:
        yield _other_database(uri)
    else:
        yield Finding("store", "ok", f"{without_passwords(uri)} (not asked)")
    waiting = find([project_root() / "output"])
    if waiting:
        yield Finding("journals", "warning", f"{len(waiting)} runs have records that are not sent", "wallpaper sync")


def _database(path: Path) -> Iterator[Finding]:
    if not path.exists():
        yield Finding("store", "ok", f"{path} will be made by the first run")
        return
    try:
        with sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=2) as database:
            (whole,) = database.execute("PRAGMA quick_check(1)").fetchone()
            if whole != "ok":
                remedy = "restore a copy, or `sqlite3 FILE .recover`"
                yield Finding("store", "wrong", f"{path} is damaged: {whole}", remedy)
                return
            database.execute("BEGIN IMMEDIATE")
            database.rollback()
            (runs,) = database.execute("SELECT count(*) FROM runs").fetchone()
            (version,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
            processes = [process for (process,) in database.execute(_RUNNING, [provenance.host()])]
    except sqlite3.OperationalError as error:
        remedy = {
            "database is locked": "another program writes to it and does not end: find it with `fuser`, or wait",
            "no such table: runs": "it is no MLflow database: set MLFLOW_TRACKING_URI to another file",
        }.get(str(error), "see that the file can be written to by you")
        yield Finding("store", "wrong", f"{path}: {error}", remedy)
    except sqlite3.DatabaseError as error:
        yield Finding("store", "wrong", f"{path}: {error}", "restore a copy, or move it away: a new one is made")
    else:
        yield _tables(path, version) or Finding("store", "ok", f"{path}, {runs} runs")
        gone = sum(not provenance.is_alive(process) for process in processes)
        if gone:
            said = f"{gone} runs say RUNNING, but their processes have gone"
            yield Finding("runs", "warning", said, "nothing: the next command that records marks them KILLED")


def _tables(path: Path, version: str) -> Finding | None:
    """What is wrong with tables of another MLflow than the installed one; None if they are its own."""
    known, newest = _known_versions()
    if not known or version in newest:
        return None
    if version in known:
        remedy = f"copy the file, then `mlflow db upgrade sqlite:///{path}`"
        return Finding("store", "wrong", f"{path} has tables of an older MLflow ({version})", remedy)
    said = f"{path} has tables of a newer MLflow ({version}) than the installed one"
    return Finding("store", "wrong", said, "install that MLflow, or set MLFLOW_TRACKING_URI to another file")


def _known_versions() -> tuple[set[str], set[str]]:
    """Versions of the tables that the installed MLflow can upgrade, and the newest of them; none without MLflow."""
    package = importlib.util.find_spec("mlflow")
    places = package.submodule_search_locations if package else None
    folder = Path(next(iter(places or []), "")) / "store" / "db_migrations" / "versions"
    known: set[str] = set()
    older: set[str] = set()
    for file in folder.glob("*.py"):
        for is_older, version in _REVISION.findall(file.read_text(encoding="utf-8")):
            (older if is_older else known).add(version)
    return known, known - older


def _other_database(uri: str) -> Finding:
    shown = without_passwords(uri)
    try:
        from wallpaper.store_database import refusal_of  # noqa: PLC0415 - SQLAlchemy may be what is broken
    except ImportError as error:
        return Finding("store", "wrong", f"{shown} cannot be asked: {error}", "install the project's packages again")
    reason, remedy = refusal_of(uri)
    if reason:
        return Finding("store", "wrong", f"{shown} does not answer: {reason}", remedy)
    return Finding("store", "ok", f"{shown} answers")


def _server(uri: str) -> Finding:
    """As MLflow asks it: with the environment's user and password, or those of the address."""
    shown, env = without_passwords(uri), os.environ
    user, password = env.get("MLFLOW_TRACKING_USERNAME"), env.get("MLFLOW_TRACKING_PASSWORD", "")
    token = {"Authorization": f"Bearer {env['MLFLOW_TRACKING_TOKEN']}"} if "MLFLOW_TRACKING_TOKEN" in env else {}
    trusted = env.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() not in ("true", "1")
    try:
        import requests  # noqa: PLC0415 - MLflow's own way, which comes with it

        answer = requests.get(
            f"{uri.rstrip('/')}/health", auth=(user, password) if user else None, headers=token, verify=trusted,
            timeout=SECONDS,
        )  # fmt: skip
    except ImportError:
        return Finding("store", "ok", f"{shown} (not asked: there is no MLflow to ask it with)")
    except OSError as error:  # all of theirs are
        remedy = "start it (`mlflow server`); what runs record meanwhile is sent by `wallpaper sync`"
        return Finding("store", "wrong", f"{shown} does not answer: {without_passwords(reason_of(error))}", remedy)
    if answer.status_code in (401, 403):
        remedy = "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
        return Finding("store", "wrong", f"{shown} refuses ({answer.status_code} {answer.reason})", remedy)
    if not answer.ok:
        said = f"{shown} is no MLflow server that is well ({answer.status_code} {answer.reason})"
        return Finding("store", "wrong", said, "see what listens there, and its log")
    return Finding("store", "ok", f"{shown} answers ({answer.status_code})")
