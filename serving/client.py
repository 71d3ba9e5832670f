"""Transitions asked for in Python: one interface for a model in this process and for a server.

    from serving.client import connect

    client = connect("http://127.0.0.1:5001")
    answer = client.transition("p1", "p6m", seed=3, n_frames=8)
    answer.frames  # uint8 (8, 256, 256, 3)

The same request gives the same bytes either way. Loads neither torch nor MLflow.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol

import urllib3
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.util import Retry

from serving.asking import Ask, batches
from serving.received import Transition, read_answer
from serving.requests import Format, Options
from wallpaper.plane.routes import RouteKind

Progress = Callable[[int, int], None]
"""Called with the number of transitions that are there and of all."""

DEFAULT = Options()

AGAIN = (503, 504)
"""Statuses after which a request is sent again: it may have come at a bad moment."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 10.0


class ServiceError(Exception):
    """A request was not answered; the message is the service's own sentence.

    Attributes: status: the HTTP status, or 0 where no service was reached.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status

    @property
    def caused_by_request(self) -> bool:
        """Whether another request, or another address, would be answered."""
        return self.status < 500


class Client(ABC):
    """Asks for transitions; what its methods raise is `ServiceError`."""

    def transition(
        self,
        source: str,
        target: str,
        *,
        seed: int | None = None,
        image: Any = None,
        latent: Any = None,
        sample_id: str | None = None,
        n_frames: int = DEFAULT.n_frames,
        size: int = DEFAULT.size,
        cells: float = DEFAULT.cells,
        route: RouteKind = DEFAULT.route,
        format: Format = DEFAULT.format,
        certify: bool = DEFAULT.certify,
    ) -> Transition:
        """One transition; see `serving.asking.Ask` for where it starts and docs/serving.md for the rest.

        Raises: ServiceError. TypeError, ValueError: an `image` or `latent` that cannot be sent.
        """
        ask = Ask(source, target, seed=seed, image=image, latent=latent, sample_id=sample_id)
        options = Options(n_frames, format, size, cells, route, certify)
        return self.transitions([ask], options)[0]

    def transitions(
        self, asks: Iterable[Ask], options: Options = DEFAULT, *, progress: Progress = lambda done, total: None
    ) -> list[Transition]:
        """Many transitions, in order, in as few requests as the service's limits allow.

        Raises: ServiceError: names the row, counted over all, if there are several; earlier answers are lost.
        """
        rows = [ask.row() for ask in asks]
        found: list[Transition] = []
        for batch in batches(rows, options):
            try:
                answers = self._answer(batch, asdict(options))
            except ServiceError as error:
                raise ServiceError(_of_all(str(error), len(found), len(batch), len(rows)), error.status) from error
            found += [read_answer(answer) for answer in answers]
            progress(len(found), len(rows))
        return found

    @abstractmethod
    def _answer(self, rows: Sequence[Mapping[str, Any]], params: Mapping[str, Any]) -> list[dict[str, Any]]:
        """One answer for each row, as JSON has it. Raises: ServiceError."""


class HttpClient(Client):
    """Asks a server: `wallpaper serve`, `mlflow models serve`, a container, Ray Serve.

    Args:
        address: such as http://127.0.0.1:5001, with or without /invocations.
        timeout: seconds without an answer; longer than the server's own, so that its sentence comes first.
        attempts: how often a request is sent at most, where no connection holds or the status is one of `AGAIN`.
            Requests change nothing, so sending one twice is safe. Between attempts it waits half a second, then twice
            as long each time, ten seconds at most.
        headers: sent along, for a proxy that wants them.
    Raises: ValueError: the address, or `attempts`.
    """

    def __init__(
        self, address: str, *, timeout: float = 90.0, attempts: int = 4, headers: Mapping[str, str] | None = None
    ) -> None:
        if not re.fullmatch(r"https?://[^/?#\s]+(/[^?#\s]*)?", address):
            raise ValueError(f"`address` must be such as http://127.0.0.1:5001, but got {address!r}")
        if attempts < 1:
            raise ValueError(f"`attempts >= 1` must hold, but got {attempts}")
        self.address = address.rstrip("/").removesuffix("/invocations")
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=min(timeout, 10.0), read=timeout),
            headers={"Content-Type": "application/json", **(headers or {})},
            retries=_Again(
                total=attempts - 1,
                redirect=False,
                other=0,
                status_forcelist=AGAIN,
                allowed_methods=None,
                backoff_factor=FIRST_WAIT_S,
                backoff_max=LONGEST_WAIT_S,
                retry_after_max=int(LONGEST_WAIT_S),
                raise_on_status=False,
            ),
        )

    def _answer(self, rows: Sequence[Mapping[str, Any]], params: Mapping[str, Any]) -> list[dict[str, Any]]:
        body = json.dumps({"dataframe_records": list(rows), "params": dict(params)}).encode()
        try:
            reply = self._pool.request("POST", f"{self.address}/invocations", body=body)
        except HTTPError as error:
            raise ServiceError(f"{self.address} does not answer: {_cause(error)}", 0) from error
        if reply.status != 200:
            raise ServiceError(_sentence(reply.data) or f"{self.address} answered {reply.status}", reply.status)
        try:
            answers: list[dict[str, Any]] = json.loads(reply.data)["predictions"]
        except (ValueError, KeyError, TypeError) as error:
            raise ServiceError(f"{self.address} must answer with predictions, but did not", 0) from error
        return answers


class Answering(Protocol):
    """A model in this process: a `serving.service.Service`."""

    def answer(self, rows: Sequence[Mapping[str, Any]], params: Mapping[str, Any] | None) -> list[dict[str, Any]]:
        """One answer for each row; what it refuses has a `status`."""


class LocalClient(Client):
    """Asks a model in this process, with no server."""

    def __init__(self, service: Answering) -> None:
        self.service = service

    def _answer(self, rows: Sequence[Mapping[str, Any]], params: Mapping[str, Any]) -> list[dict[str, Any]]:
        try:
            return self.service.answer(rows, params)
        except ValueError as error:
            status = getattr(error, "status", None)  # by its attribute: the model may bring its own class along
            if status is None:
                raise
            raise ServiceError(str(error), status) from None


def connect(place: Any, **options: Any) -> Client:
    """A client of a server's address, or of a model in this process.

    Args:
        place: an address; or what `mlflow.pyfunc.load_model` returns; or a `serving.service.Service`.
        options: of `HttpClient`, for an address.
    Raises: ValueError: the address. TypeError: something else, or options for a model.
    """
    if isinstance(place, str):
        return HttpClient(place, **options)
    if options:
        raise TypeError(f"`options` must go with an address, but got {', '.join(options)} with a model")
    if hasattr(place, "unwrap_python_model"):
        place = place.unwrap_python_model().service
    if not hasattr(place, "answer"):
        raise TypeError(f"`place` must be an address, a model that MLflow has loaded or a Service, but got {place!r}")
    return LocalClient(place)


class _Again(Retry):
    """Sends again where a connection broke, not where the server took too long."""

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: urllib3.BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: Any = None,
    ) -> _Again:
        if isinstance(error, ReadTimeoutError):
            raise error
        return super().increment(method, url, response, error, _pool, _stacktrace)


def _of_all(message: str, before: int, rows: int, total: int) -> str:
    """The sentence with its row counted over all batches."""
    if total == 1:
        return message
    named = re.match(r"row (\d+), ", message)
    if named is not None:
        return f"row {before + int(named[1])}, {message[named.end() :]}"
    return f"row {before}, {message}" if rows == 1 else message


def _sentence(content: bytes) -> str:
    """What an error's body says: JSON with a message, or MLflow's and proxies' text without markup."""
    text = content.decode(errors="replace")
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return "" if text.lstrip().startswith("<") else text.strip().partition("\n")[0][:200]


def _cause(error: HTTPError) -> str:
    reason = getattr(error, "reason", None) or error
    return re.sub(r"^.*?object at 0x\w+>: |^\w+\(.*?port=\d+\): ", "", str(reason))
