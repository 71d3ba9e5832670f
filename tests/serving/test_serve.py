"""The server: ready when it answers, it finishes what is running, and says in a sentence why it cannot start."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import free_port
from tests.serving.conftest import ROOT, Server, Store

COMMAND = [sys.executable, "-m", "serving.serve", "--model", "models:/wallpaper-transition@champion"]
ROW = {"source_group": "p1", "target_group": "p6m", "seed": 3}


def test_a_stopped_server_finishes_what_is_running_and_refuses_the_rest(store: Store) -> None:
    port = free_port()
    with subprocess.Popen(
        [*COMMAND, "--port", str(port), "--workers", "1"],
        cwd=ROOT,
        env=store.environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert f"answers on http://127.0.0.1:{port}; try: curl -s http://127.0.0.1:{port}/invocations" in line
            server = Server(port, Path(os.devnull))
            assert server.call("GET", "/ping")[0] == 200
            connection = server.connection()
            body = json.dumps({"dataframe_records": [ROW], "params": {"n_frames": 200}}).encode()
            connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
            server.call("GET", "/ping")  # an answer: the connection before this one has been accepted
            process.send_signal(signal.SIGTERM)
            assert connection.getresponse().status == 200
            connection.close()
            assert process.wait(60) == 0
            with pytest.raises(OSError, match="refused"):
                server.call("GET", "/ping")
        finally:
            process.kill()


def test_a_port_in_use_is_one_sentence(store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as used:
        port = str(used.getsockname()[1])
        done = subprocess.run(
            [*COMMAND, "--port", port], cwd=ROOT, env=store.environment, capture_output=True, text=True, timeout=200
        )
    assert done.returncode == 2
    assert done.stderr.startswith(
        f"Error: `--host 127.0.0.1 --port {port}` must be an address of this machine and a fr"
    )
    assert len(done.stderr.splitlines()) == 1
