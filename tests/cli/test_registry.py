"""`wallpaper register` and its doors beside it: which model, which figures go along, and mistakes in one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import call
from tests.tiny import tiny_model
from wallpaper import tracking
from wallpaper.cli import registering, registry, versions
from wallpaper.evaluation import weights_of

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a run that trained a model, below the current folder."""
    monkeypatch.chdir(tmp_path)
    folder = Path("output/ode/one")
    tiny_model("palette").save(folder / "model")
    return folder


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The applications that a command would have started."""
    commands: list[list[str]] = []

    def start(application: str, command: list[str]) -> int:
        commands.append([application, *command])
        return 7

    for module in (registering, versions):
        monkeypatch.setattr(module, "call", start)
    return commands


def evaluation(run: Path, **changed: Any) -> None:
    """Leave an evaluation beside the model."""
    about = {"weights": weights_of(tiny_model("palette")), "data": "d", "split": "test", "metrics": {"eval/x": 1.0}}
    (run / "evaluation.json").write_text(json.dumps({**about, **changed}))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, ""),
        ({"weights": "others"}, "output/ode/one/evaluation.json is not of these weights"),
        ({"split": "val"}, "output/ode/one/evaluation.json is of the split val"),
        (None, "there is no output/ode/one/evaluation.json"),
    ],
)
def test_only_figures_of_these_weights_on_held_out_patterns_go_along(
    run: Path, started: list[list[str]], changed: dict[str, str] | None, reason: str
) -> None:
    if changed is not None:
        evaluation(run, **changed)
    done = call("register", "one")
    assert done.exit_code == 7
    (command,) = started
    assert command[:4] == ["serving", "-m", "serving.register", str((run / "model").absolute())]
    assert ("--evaluation" in command) == (not reason)
    assert done.stderr == (f"No figures go with it: {reason}.\n" if reason else "")


def test_with_data_a_model_is_evaluated_once(
    run: Path, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[str] = []

    def measure(folder: Path, data: Path, split: str) -> tuple[None, Path]:
        measured.append(split)
        evaluation(run, data="digest")
        return None, run / "evaluation.json"

    class Patterns:
        digest = "digest"

    monkeypatch.setattr(registering, "measure", measure)
    monkeypatch.setattr(registering, "PatternStore", lambda path: Patterns)
    for _ in range(2):
        call("register", "--model", run, "--data", "p.h5")
    assert measured == ["test"]
    for command in started:
        assert command[-2:] == ["--data", str(Path("p.h5").absolute())]
        assert command[-4:-2] == ["--evaluation", str((run / "evaluation.json").absolute())]
    evaluation(run, data="another file's")
    call("register", "one", "--data", "p.h5")
    assert measured == ["test", "test"]


def test_a_run_s_id_names_its_model(run: Path, started: list[list[str]]) -> None:
    with tracking.start("ode", phase="train_ode", folder=run) as recorded:
        pass
    assert registry.find_model(recorded.run_id) == run.absolute() / "model"


def test_the_newest_version_of_a_run_is_named_by_its_alias() -> None:
    with tracking.start("demo", phase="demo") as recorded:
        client = recorded.store.client
    client.create_registered_model("m")
    for _ in range(2):
        client.create_model_version("m", "file:///nowhere", recorded.run_id)
    assert registering.registered_as(recorded.run_id, "m") == "models:/m/2"
    for alias in ("challenger", "champion"):
        client.set_registered_model_alias("m", alias, "2")
    assert registering.registered_as(recorded.run_id, "m") == "models:/m@champion"


def test_options_reach_the_application(run: Path, started: list[list[str]]) -> None:
    call("promote", 3, "--force", "--reason", "-because", "--max-seconds", 2, "--by", "Ada")
    call("promote", "--dry-run", "--json")
    call("rollback", "--reason", "worse", "--to", "1", "--dry-run", "--json")
    call("models", "--json")
    name, dry = "--name=wallpaper-transition", ["--dry-run", "--json"]
    forced = ["--by=Ada", name, "--reason=-because", "--force", "--", "3"]
    asked = ["--by=", name, "--reason=", *dry, "--", ""]
    assert started == [
        ["serving", "-m", "serving", "promote", "--max-seconds=2.0", "--alias=champion", *forced],
        ["serving", "-m", "serving", "promote", "--max-seconds=10.0", "--alias=champion", *asked],
        ["serving", "-m", "serving", "rollback", "--by=", name, "--reason=worse", "--to=1", *dry],
        ["serving", "-m", "serving", "models", "--name", "wallpaper-transition", "--json"],
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("register one --model two", "RUN and `--model` both name the model; give one of them"),
        ("register nowhere", "`--model nowhere` must be a folder with model.json, a run's folder"),
        ("register one --data nowhere.h5", "nowhere.h5: no such file"),
        ("promote 2 --force", "`--force` needs --reason TEXT, which is recorded with the version"),
        ("promote 2 --force --reason x --dry-run", "`--dry-run` moves nothing, so nothing can be forced"),
        ("promote --max-seconds 0", "Invalid value for '--max-seconds': 0.0 is not in the range x>0."),
        ("rollback --name a/b", "Invalid value for '--name': must hold neither / nor :, but got 'a/b'"),
        ("models --json --history", "`--json` holds the moves as well; give it or --history, not both"),
    ],
)
def test_a_mistake_is_one_sentence(run: Path, started: list[list[str]], line: str, message: str) -> None:
    done = call(*line.split())
    assert (done.exit_code, done.stdout, started) == (2, "", [])
    shown = done.stderr.splitlines()[-1]
    assert shown.removeprefix("Error: ").startswith(message)
