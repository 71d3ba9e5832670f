"""The command line: `python -m dashboard`. What it serves is loaded once the options are known to be good.

A mistake is one sentence and exit code 2, before NiceGUI or MLflow is imported.
"""

from __future__ import annotations

import os
import socket

import click

from dashboard.heaps import keep_small
from wallpaper.store_address import fault_of, without_passwords
from wallpaper.store_address import tracking_uri as store_uri

LOOPBACK = ("127.0.0.1", "localhost", "::1")

PASSWORD = "WALLPAPER_DASHBOARD_PASSWORD"


@click.command("dashboard", context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--tracking-uri",
    default="",
    metavar="URI",
    help="The MLflow store: sqlite:///mlflow.db, or a server's http address. [default: MLFLOW_TRACKING_URI, "
    "else mlflow.db in the project's folder]",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True, help="Port to listen on.")
@click.option("--read-only", is_flag=True, help="Show alone: nobody can promote a version or roll back.")
def main(tracking_uri: str, host: str, port: int, *, read_only: bool) -> None:
    """Show trainings, searches and models live, from what they record in MLflow.

    An address that others can reach needs a password, in the environment variable WALLPAPER_DASHBOARD_PASSWORD.
    WALLPAPER_DASHBOARD_SECRET signs the cookies; without it a secret of this checkout's own is used.

    \b
    Examples:
      python -m dashboard                                          http://127.0.0.1:8080
      python -m dashboard --tracking-uri http://127.0.0.1:5000     a server's runs
      WALLPAPER_DASHBOARD_PASSWORD=... python -m dashboard --host 0.0.0.0
    """
    password = os.environ.get(PASSWORD, "")
    if host not in LOOPBACK and not password:
        raise click.UsageError(
            f"`--host {host}` can be reached by others, so it needs a password: set {PASSWORD}, or use 127.0.0.1"
        )
    check_free(host, port)
    if tracking_uri:
        os.environ["MLFLOW_TRACKING_URI"] = tracking_uri
    uri = store_uri()
    fault, remedy = fault_of(uri)
    if fault:
        shown = without_passwords(uri)
        raise click.UsageError(f"`--tracking-uri` must name a store, but of {shown}: {fault}: {remedy}")
    keep_small()
    from dashboard.server import serve  # noqa: PLC0415 - loads NiceGUI and MLflow, which takes seconds

    serve(host, port, password, read_only=read_only)


def check_free(host: str, port: int) -> None:
    """Raises: click.UsageError: another program listens there, or there is no such address."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise click.UsageError(
                f"`--port {port}` must be free on {host}, but: {error.strerror}; choose another with --port"
            ) from error
