"""A store that is away for a while: what cannot be sent later is waited for, and nothing is taken for unknown."""

from __future__ import annotations

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST

from wallpaper import recorded, tracking

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def test_a_run_is_not_unknown_because_the_store_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a model that is registered at that moment would lose its origin."""

    def down(*_: object, **__: object) -> None:
        raise MlflowException("connection refused")

    with tracking.start("known", phase="test") as run:
        pass
    assert [recorded.known_run(each) for each in (run.run_id, "0" * 32, "no id")] == [run.run_id, "", ""]
    monkeypatch.setattr(MlflowClient, "get_run", down)
    with pytest.raises(tracking.TrackingError, match="connection refused"):
        recorded.known_run(run.run_id)


def test_a_store_that_is_away_for_a_while_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "ASKED_AGAIN_SECONDS", 0.0)
    answers: list[Exception | str] = [MlflowException("connection refused"), ConnectionError("reset"), "there"]

    def ask() -> str:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise tracking.TrackingError("no store") from answer
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert tracking.patiently(ask) == "there"
    answers[:] = [MlflowException("no such run", error_code=RESOURCE_DOES_NOT_EXIST)]
    with pytest.raises(MlflowException, match="no such run"):
        tracking.patiently(ask)


@pytest.mark.parametrize("seconds", [0.0, 600.0])
def test_waiting_for_a_store_ends(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(tracking, "ASKED_AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(tracking, "PATIENCE", seconds)
    asked: list[int] = []

    def ask() -> None:
        asked.append(1)
        raise MlflowException("connection refused")

    with pytest.raises(tracking.TrackingError, match="the store must answer, but: connection refused"):
        tracking.patiently(ask, stop=lambda: seconds > 0 and len(asked) == 3)
    assert len(asked) == (3 if seconds else len(asked))
