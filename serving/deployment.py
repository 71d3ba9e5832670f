"""A registered model on a Ray cluster, under Ray Serve: replicas where there is room, one port at the cluster's head.

Each replica is `serving.app:app`, with files and code that Ray brings to its machine. Only this module knows Ray.
"""

# ruff: noqa: E402
from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = {
    "RAY_AUTH_MODE": "token",  # what Ray does anyway; said, it warns of nothing
    "RAY_USAGE_STATS_ENABLED": "0",
}
if "ray" not in sys.modules:  # Ray reads some when it is imported
    for _name, _value in ENVIRONMENT.items():
        os.environ.setdefault(_name, _value)

import ray
from ray import serve
from ray.exceptions import RayError
from ray.serve.config import HTTPOptions

from serving import replica
from serving.serve import EXAMPLE, ServeError, fetch
from serving.signals import caught
from serving.warm import THREADS
from wallpaper.ray_address import check_answers

APPLICATION = "wallpaper"
"""Its name in Ray Serve; the only one there."""

WAITING = 8
"""Requests in a replica for each that it computes. The others wait in front of them all, for the first that is free."""

MARGIN_S = 10.0
"""How much later than its bound a replica has surely ended: Ray Serve looks every two seconds."""

END_SECONDS = 10.0
"""That Ray Serve has to end when nothing is under way any more, or a second signal does not want to wait for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What is served, and by how much."""

    model: str
    """As of `serving.serve.serve`. Ray brings its files to every machine that has a replica."""
    address: str
    """Of the cluster: host:port, or auto."""
    host: str
    """Where the cluster's head listens."""
    port: int
    least: int
    most: int
    """Replicas."""
    cpus: int
    """Of a replica."""
    timeout: int
    """Seconds until a request gets a 504."""
    grace: int
    """Seconds that requests under way have when it stops."""

    @property
    def threads(self) -> int:
        """Requests that a replica computes at once: two at least, so that a short one passes a long one."""
        return max(2, self.cpus)


def serve_on_cluster(wanted: Deployment) -> int:
    """Serve until SIGTERM (exit code 0) or Ctrl-C (130), which is returned. Ray Serve starts and ends with it.

    Raises: ServeError: no cluster there or too small a one, a port that is taken, no such model, or one that does
        not load or answer its example.
    """
    check_answers(wanted.address)
    with tempfile.TemporaryDirectory(prefix="wallpaper-serve-") as folder:
        _connect(wanted, fetch(wanted.model, Path(folder)))
    try:
        _check_room(wanted)
        silence = contextlib.redirect_stdout(None)  # where Ray tells at length of each process that ends
        with caught() as signals, silence, _ray_serve(wanted):
            _deploy(wanted)
            if signals.until(lambda: _is_running(wanted)):
                _say_ready(wanted)
                signals.until(_is_gone)
                if not signals.came:
                    raise ServeError(f"Ray Serve must keep `{APPLICATION}` until this command ends, but it was deleted")
                serve.delete(APPLICATION, _blocking=False)
                signals.until(_is_gone, most=1, seconds=wanted.grace + MARGIN_S)
            return 0 if signals.came[0] == signal.SIGTERM else 128 + signals.came[0]
    except RayError as error:
        raise ServeError(f"`--address {wanted.address}` must go on running, but: {_first_sentence(error)}") from error
    finally:
        ray.shutdown()


def _connect(wanted: Deployment, files: Path) -> None:
    """Replicas start in a copy of `files`, with this package beside the model's own."""
    for name in ("ray", "ray.serve"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    variables = {
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",  # threads that wait for each other leave the cores to other requests
        "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",  # of Ray's own 5 s a busy machine needs more
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": str(wanted.timeout),
        THREADS: str(wanted.threads),
    }
    brought = {"working_dir": str(files), "py_modules": [str(Path(__file__).parent)], "env_vars": variables}
    try:
        ray.init(wanted.address, log_to_driver=False, logging_level=logging.CRITICAL, runtime_env=brought)
    except (RayError, ConnectionError, RuntimeError) as error:
        raise ServeError(
            f"`--address {wanted.address}` must be a running Ray cluster's, but: {_first_sentence(error)}; "
            "start one with `ray start --head`"
        ) from error


def _check_room(wanted: Deployment) -> None:
    """Ray itself would wait for more machines without end."""
    found = [node["Resources"].get("CPU", 0.0) for node in ray.nodes() if node["Alive"]]
    room = sum(int(cpus // wanted.cpus) for cpus in found)
    if room < wanted.least:
        raise ServeError(
            f"`--min-replicas {wanted.least}` with `--cpus {wanted.cpus}` each must fit into the cluster, "
            f"but its machines have {', '.join(f'{cpus:g}' for cpus in found)} CPU(s)"
        )
    if ray.available_resources().get("CPU", 0.0) < wanted.least * wanted.cpus:
        print("All CPUs of the cluster are taken: waiting for some.", file=sys.stderr, flush=True)  # noqa: T201


@contextlib.contextmanager
def _ray_serve(wanted: Deployment) -> Iterator[None]:
    """Ray Serve with one port, at the cluster's head."""
    if serve.status().proxies:
        raise ServeError(
            f"`--address {wanted.address}` must be a cluster without Ray Serve, but it runs there: its port serves "
            "all its applications; end it with `RAY_AUTH_MODE=token serve shutdown`, if nobody needs it"
        )
    try:
        try:
            serve.start(proxy_location="HeadOnly", http_options=HTTPOptions(host=wanted.host, port=wanted.port))
        except (RayError, RuntimeError, TimeoutError) as error:
            if "Failed to bind" not in str(error):
                raise ServeError(f"Ray Serve must start on the cluster, but: {_last_line(str(error))}") from error
            raise ServeError(
                f"`--host {wanted.host} --port {wanted.port}` must be an address of the cluster's head and a free "
                f"port, but: {_last_line(str(error))}; choose another with --port"
            ) from error
        yield
    finally:
        asyncio.run(_end_ray_serve())


async def _end_ray_serve() -> None:
    """What Ray Serve has not ended by then it ends alone."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(serve.shutdown_async(), END_SECONDS)


def _deploy(wanted: Deployment) -> None:
    deployed = serve.deployment(
        name="transition",
        ray_actor_options={"num_cpus": wanted.cpus},
        autoscaling_config={
            "min_replicas": wanted.least,
            "max_replicas": wanted.most,
            "target_ongoing_requests": wanted.threads,
        },
        max_ongoing_requests=wanted.threads * WAITING,
        max_constructor_retry_count=1,  # what does not load now will not load later
        graceful_shutdown_timeout_s=wanted.grace,
    )(serve.ingress(replica.app)())
    target = serve.RunTarget(target=deployed.bind(), name=APPLICATION, route_prefix="/")
    serve.run_many([target], wait_for_applications_running=False)


def _is_running(wanted: Deployment) -> bool:
    """Raises: ServeError: the replicas cannot start."""
    found = serve.status().applications.get(APPLICATION)
    if found is not None and found.status == "DEPLOY_FAILED":
        told = next((each.message for each in found.deployments.values() if each.message), found.message)
        raise ServeError(f"`--model {wanted.model}` must load and answer its own example, but: {_last_line(told)}")
    return found is not None and found.status == "RUNNING"


def _is_gone() -> bool:
    return APPLICATION not in serve.status().applications


def _first_sentence(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].partition(". ")[0].rstrip(".")


def _last_line(text: str) -> str:
    """Of a traceback in Ray's words: what was raised."""
    return ([line.strip() for line in text.splitlines() if line.strip()] or ["it does not say why"])[-1].rstrip(".")


def _say_ready(wanted: Deployment) -> None:
    address = f"http://{f'[{wanted.host}]' if ':' in wanted.host else wanted.host}:{wanted.port}"
    form = "-H 'Content-Type: application/json'"
    text = f"{wanted.model} answers on {address}; try: curl -s {address}/invocations {form} -d '{EXAMPLE}'"
    print(text, file=sys.__stdout__, flush=True)
