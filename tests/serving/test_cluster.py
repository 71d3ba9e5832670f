"""A registered model on a Ray cluster: two replicas answer as one process does; what cannot be had is a sentence."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from serving import signals
from serving.body import MOST_BODY_BYTES
from serving.front_door import reply
from serving.refusals import error_body
from serving.service import Service
from tests.servers import free_port
from tests.serving.conftest import ROOT, Server, Store
from tests.tiny import tiny_model
from wallpaper import ray_address
from wallpaper.data.samples import Samples

JSON = "application/json"
RAY = """
import logging, sys, warnings
warnings.simplefilter("ignore")
import ray
quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": logging.CRITICAL}
for _ in range(5):  # Ray gives itself 30 s to start, too few where the cores are busy
    try:
        ray.init("local", num_cpus=2, object_store_memory=100_000_000, **quiet)
        break
    except Exception:
        ray.shutdown()
print(ray.get_runtime_context().gcs_address, flush=True)
sys.stdin.read()
"""


class Cluster(NamedTuple):
    """Ray on this machine, with two CPUs whatever the machine has."""

    address: str
    folder: Path
    """Of its logs."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    folder = tempfile.mkdtemp(prefix="ray-")  # short, since names of its sockets are
    environment = {**os.environ, "RAY_TMPDIR": folder, "RAY_AUTH_MODE": "token"}
    with subprocess.Popen(
        [sys.executable, "-c", RAY], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield Cluster(process.stdout.readline().strip(), Path(folder))
        process.communicate()  # its input ends, and Ray with it
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def port() -> int:
    return free_port()


def command(cluster: Cluster, port: int) -> list[str]:
    words = ["--address", cluster.address, "--port", str(port), "--min-replicas", "2", "--max-replicas", "2"]
    return [sys.executable, "-m", "serving.cluster", *words]


def request(seed: int, n_frames: int = 3) -> bytes:
    row = {"source_group": "p1", "target_group": "p6m", "seed": seed}
    return json.dumps({"dataframe_records": [row], "params": {"n_frames": n_frames, "size": 64}}).encode()


def announced(server: Server, length: int) -> tuple[int, str]:
    """Status and text for a body of which not one byte is sent."""
    connection = server.connection()
    connection.putrequest("POST", "/invocations")
    connection.putheader("Content-Type", JSON)
    connection.putheader("Content-Length", str(length))
    connection.endheaders()
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def answered(cluster: Cluster) -> list[int]:
    """Requests that each replica has answered, by its log."""
    logs = cluster.folder.glob("ray/session_2*/logs/serve/replica_*.log")
    return [log.read_text(encoding="utf-8").count("POST / 200") for log in logs]


@pytest.mark.timeout(600)  # seconds, or minutes where the cores are busy: Ray and the model start several times
def test_two_replicas_answer_as_one_process_does_and_end_in_order(
    cluster: Cluster, store: Store, samples: Samples, port: int
) -> None:
    with subprocess.Popen(
        command(cluster, port), cwd=ROOT, env=store.environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert f"@champion answers on http://127.0.0.1:{port}; try: curl -s http://127.0.0.1:{port}/inv" in line
            server = Server(port, Path(os.devnull))
            assert [server.call("GET", path)[0] for path in ("/ping", "/health", "/version")] == [200, 200, 200]

            bodies = [request(seed) for seed in range(4)] * 2
            with ThreadPoolExecutor(len(bodies)) as pool:
                answers = list(pool.map(lambda body: server.call("POST", "/invocations", body), bodies))
            about = json.loads(answers[0][1])["predictions"][0]["model"]
            assert about["version"] == "1"
            alone = Service(tiny_model("palette"), samples, about)
            assert answers == [reply(alone.answer, body, JSON)[::-1] for body in bodies]
            assert min(answered(cluster)) > 0
            assert len(answered(cluster)) == 2

            refused = [(b"{", JSON), (b"a,b", "text/csv"), (request(3, 1000), JSON)]
            found = [server.call("POST", "/invocations", *each) for each in refused]
            assert found == [reply(alone.answer, *each)[::-1] for each in refused]
            assert [status for status, _ in found] == [400, 415, 400]
            assert announced(server, 10**12) == (
                413,
                error_body(413, f"body: must be at most {MOST_BODY_BYTES} bytes, but got {10**12}"),
            )

            connection = server.connection()
            connection.request("POST", "/invocations", request(3, 240), {"Content-Type": JSON})
            server.call("GET", "/ping")  # an answer: the request before this one has been accepted
            process.send_signal(signal.SIGTERM)
            response = connection.getresponse()
            assert (response.status, len(json.loads(response.read())["predictions"][0]["frames"])) == (200, 240)
            connection.close()
            assert process.wait(120) == 0
            assert process.stdout.read() == ""
            with pytest.raises(OSError, match="refused"):
                server.call("GET", "/ping")
        finally:
            process.terminate()
            process.wait(120)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_port_in_use_is_one_sentence(cluster: Cluster, store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as used:
        port = int(used.getsockname()[1])
        done = subprocess.run(
            command(cluster, port), cwd=ROOT, env=store.environment, capture_output=True, text=True, timeout=400
        )
    assert done.returncode == 2
    assert done.stderr.startswith(f"Error: `--host 127.0.0.1 --port {port}` must be an address of the cluster's head")
    assert (len(done.stderr.splitlines()), done.stdout) == (1, "")


# ---- without Ray


def test_more_replicas_at_least_than_at_most_are_one_sentence() -> None:
    words = [sys.executable, "-m", "serving.cluster", "--min-replicas", "5"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "Error: `--min-replicas 5` must be at most `--max-replicas 4`"


def test_an_address_is_a_host_and_a_port() -> None:
    with pytest.raises(ValueError, match="`--address` must be auto or host:port, but got 'here'"):
        ray_address.check_answers("here")


@pytest.mark.parametrize("listens", [False, True])
def test_an_address_without_ray_is_refused_soon(listens: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ray_address, "_PROBE_SECONDS", 0.5)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        if listens:
            other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        monkeypatch.delenv("RAY_ADDRESS", raising=False)
        monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
        (tmp_path / "ray").mkdir()
        (tmp_path / "ray" / "ray_current_cluster").write_text(address)  # of a `ray start` whose Ray has died
        for asked in (address, "auto"):
            with pytest.raises(ValueError, match=f"`--address {address}` must be a running Ray cluster's"):
                ray_address.check_answers(asked)


def test_a_signal_ends_a_wait_and_a_second_one_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "_POLL_SECONDS", 60.0)
    with signals.caught() as caught:
        assert caught.until(lambda: True)
        for most, number in enumerate((signal.SIGTERM, signal.SIGINT)):
            started = time.monotonic()
            threading.Timer(0.2, os.kill, (os.getpid(), number)).start()
            assert not caught.until(lambda: False, most=most)
            assert time.monotonic() - started < 30
        assert caught.came == [signal.SIGTERM, signal.SIGINT]
    monkeypatch.setattr(signals, "_POLL_SECONDS", 0.1)
    assert not signals.Signals().until(lambda: False, seconds=0.3)
