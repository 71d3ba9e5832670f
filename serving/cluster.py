"""Serves a registered model on a Ray cluster: as many replicas as the requests keep busy, behind one port.

    python -m serving.cluster --model models:/wallpaper-transition@champion --min-replicas 1 --max-replicas 4

Options only; the work is in serving/deployment.py.
"""

from __future__ import annotations

import sys

import click

from serving.deployment import Deployment, serve_on_cluster
from serving.serve import ServeError
from wallpaper import tracking


@click.command("cluster")
@click.option(
    "--model",
    default="models:/wallpaper-transition@champion",
    show_default=True,
    help="models:/NAME@ALIAS, models:/NAME/VERSION, or a folder of MLflow's.",
)
@click.option(
    "--address",
    default="auto",
    show_default=True,
    metavar="HOST:PORT",
    help="Of a running Ray cluster; auto is the one on this machine.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address that the cluster's head listens on; others than this reach every network.",
)
@click.option("-p", "--port", type=click.IntRange(1, 65535), default=5001, show_default=True, help="Port to listen on.")
@click.option(
    "--min-replicas", "least", type=click.IntRange(1), default=1, show_default=True, help="Copies that always run."
)
@click.option(
    "--max-replicas",
    "most",
    type=click.IntRange(1),
    default=4,
    show_default=True,
    help="Copies that run while requests wait.",
)
@click.option("--cpus", type=click.IntRange(1), default=1, show_default=True, help="CPUs of each replica.")
@click.option(
    "--timeout", type=click.IntRange(1), default=60, show_default=True, help="Seconds after which a request gets a 504."
)
@click.option(
    "--grace",
    type=click.IntRange(0),
    default=30,
    show_default=True,
    help="Seconds that requests under way have to end when the server is stopped.",
)
def cluster(least: int, most: int, **options: int | str) -> None:
    """Serve a registered model on a Ray cluster, with the answers of `wallpaper serve`.

    Ray brings the model's files and code to every machine that has a replica; a machine needs the packages of this
    environment and nothing else. Says that it answers when the first replicas have loaded the model and answered
    its example. Ctrl-C or SIGTERM take no new requests and let those under way end; a second one cuts them off.

    \b
    On one machine:
      ray start --head
      python -m serving.cluster --max-replicas 2
    """
    if least > most:
        raise click.UsageError(f"`--min-replicas {least}` must be at most `--max-replicas {most}`")
    if options["host"] not in ("127.0.0.1", "localhost", "::1"):
        click.echo(
            f"Warning: anyone who reaches {options['host']} can use this server; it asks for no password.", err=True
        )
    try:
        tracking.initialise()
        sys.exit(serve_on_cluster(Deployment(least=least, most=most, **options)))  # type: ignore[arg-type]
    except (ServeError, ValueError, tracking.TrackingError) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    cluster()
