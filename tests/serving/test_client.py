"""The Python client: the same answers from a model and from a server, batches within limits, retries with a bound."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from serving.asking import Ask, batches
from serving.client import ServiceError, connect
from serving.requests import MOST_IMAGES, Options
from serving.service import Service
from tests.serving.conftest import Server


@contextmanager
def answering(status: Callable[[int], int]) -> Iterator[tuple[str, list[int]]]:
    """The address of a server whose n-th answer has `status(n)`, and the statuses it has sent."""
    sent: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            sent.append(status(len(sent)))
            body = b'{"predictions": []}' if sent[-1] == 200 else b'{"message": "field: must be so"}'
            self.send_response(sent[-1])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", sent
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.filterwarnings("ignore")  # MLflow's own and those of what it imports
def test_a_model_and_a_server_give_the_same_bytes(server: Server, service: Service) -> None:
    asks = [Ask("p1", "p6m", seed=seed) for seed in range(3)] + [Ask("p2", "p6", latent=[0.5, -1.0, 2.0, 0.25])]
    options = Options(n_frames=60, size=64)
    seen: list[tuple[int, int]] = []
    remote = connect(f"http://127.0.0.1:{server.port}").transitions(asks, options, progress=lambda *at: seen.append(at))
    local = connect(service).transitions(asks, options)
    assert seen == [(2, 4), (4, 4)]
    assert [each.pngs for each in remote] == [each.pngs for each in local]
    assert remote[0].frames.shape == (60, 64, 64, 3)
    assert np.array_equal(remote[3].latents[0], np.array([0.5, -1.0, 2.0, 0.25], np.float32))


def test_a_refusal_is_the_services_sentence_and_names_the_row_of_all(service: Service) -> None:
    with pytest.raises(ServiceError, match=r"^target_group: must differ from source_group") as caught:
        connect(service).transition("p4", "p4")
    assert (caught.value.status, caught.value.caused_by_request) == (400, True)
    asks = [Ask("p1", "p4"), Ask("p1", "p4"), Ask("p1", "p4"), Ask("p4", "p4")]
    with pytest.raises(ServiceError, match=r"^row 3, target_group: must differ"):
        connect(service).transitions(asks, Options(n_frames=60, size=64))


def test_batches_keep_to_the_limits_and_to_the_order() -> None:
    rows = [{"source_group": "p1", "number": number} for number in range(100)]
    found = list(batches(rows, Options(n_frames=16, size=64)))
    assert [len(batch) for batch in found] == [8] * 12 + [4]
    assert [row for batch in found for row in batch] == rows
    assert [len(batch) for batch in batches(rows, Options(n_frames=2, size=1024))][:2] == [16, 16]
    pictures = [{"image": "x"} for _ in range(MOST_IMAGES + 1)]
    assert [len(batch) for batch in batches(pictures, Options(n_frames=2, size=64))] == [MOST_IMAGES, 1]
    large = [{"image": "x" * 6 * 2**20} for _ in range(3)]
    assert [len(batch) for batch in batches(large, Options(n_frames=2, size=64))] == [2, 1]


@pytest.mark.parametrize(("status", "times"), [(400, 1), (413, 1), (500, 1), (503, 2), (504, 2)])
def test_only_what_may_pass_is_sent_again_and_not_for_ever(status: int, times: int) -> None:
    with answering(lambda _: status) as (address, sent):
        with pytest.raises(ServiceError, match=r"^field: must be so$") as caught:
            connect(address, attempts=2).transition("p1", "p4")
    assert (sent, caught.value.status) == ([status] * times, status)


def test_a_service_that_comes_back_is_asked_again() -> None:
    with answering(lambda n: 503 if n == 0 else 200) as (address, sent):
        connect(address)._answer([{}], {})
    assert sent == [503, 200]


def test_an_address_where_nothing_answers_is_named() -> None:
    with pytest.raises(ServiceError, match=r"^http://127.0.0.1:9 does not answer: .*refused$") as caught:
        connect("http://127.0.0.1:9/invocations", attempts=1).transition("p1", "p4")
    assert caught.value.status == 0
    with pytest.raises(ValueError, match=r"`address` must be such as http://127.0.0.1:5001, but got 'nowhere'"):
        connect("nowhere")
