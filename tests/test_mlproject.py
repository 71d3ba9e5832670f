"""MLproject agrees with the command line, and `mlflow run` works as typed on a machine without conda."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from mlflow import MlflowClient
from mlflow.projects._project_spec import load_project
from mlflow.utils.environment import _PythonEnv

from tune.search import search
from wallpaper import cli, mlflow_plugin

ROOT = Path(mlflow_plugin.__file__).resolve().parent.parent
PROJECT = load_project(str(ROOT))
COMMANDS = {"main": "demo", **{name: name.replace("_", "-") for name in PROJECT._entry_points if name != "main"}}

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # SQLAlchemy's and MLflow's own

ENTRY_POINTS = pytest.mark.parametrize("entry_point", sorted(COMMANDS))


def click_command(name: str) -> click.Command:
    if name == "search":
        return search  # `wallpaper search` hands everything on to it
    command = cli.main.get_command(click.Context(cli.main), name)
    assert command is not None, f"no command {name}"
    return command


def parse(entry_point: str, parameters: dict[str, str]) -> dict[str, Any]:
    """What the command line makes of the command that `mlflow run` would type."""
    typed = PROJECT.get_entry_point(entry_point).compute_command(parameters, None)
    if entry_point == "search":
        python, dash_m, package, *arguments = shlex.split(typed)
        assert [python, dash_m, package] == ["python", "-m", "tune.search"]
        return search.make_context("search", arguments).params
    python, dash_m, package, name, *arguments = shlex.split(typed)
    assert [python, dash_m, package, name] == ["python", "-m", "wallpaper", COMMANDS[entry_point]]
    with cli.main.make_context("wallpaper", [name, *arguments], resilient_parsing=False) as group:
        return click_command(name).make_context(name, arguments, parent=group).params


def test_the_entry_points_are_the_project_s_jobs() -> None:
    assert set(COMMANDS) == {
        "main",
        "generate",
        "train_vae",
        "train_ode",
        "search",
        "evaluate",
        "register",
        "promote",
        "dashboard",
    }


@ENTRY_POINTS
def test_parameters_have_the_names_and_defaults_of_the_command_s_options(entry_point: str) -> None:
    options = {option.name: option for option in click_command(COMMANDS[entry_point]).params}
    for parameter in PROJECT.get_entry_point(entry_point).parameters.values():
        assert parameter.name in options
        if parameter.default != "preset":
            assert parameter.default.lower() == str(options[parameter.name].default).lower(), parameter.name


@ENTRY_POINTS
def test_typing_nothing_gives_the_command_s_own_defaults(entry_point: str) -> None:
    own = (
        click_command(COMMANDS[entry_point])
        .make_context("bare", [], parent=click.Context(cli.main, **cli.main.context_settings))
        .params
    )
    given = parse(entry_point, {})
    assert {name: value for name, value in given.items() if value != "preset"} == {
        name: value for name, value in own.items() if given[name] != "preset"
    }


@ENTRY_POINTS
def test_a_parameter_reaches_its_own_option(entry_point: str) -> None:
    for name, parameter in PROJECT.get_entry_point(entry_point).parameters.items():
        typed = {
            "true": "true",
            "false": "true",
            "laptop": "smoke",
            "uint8": "float64",
            "test": "val",
            "both": "ode",
            "tpe": "gp",
            "asha": "none",
        }.get(parameter.default, "77")
        before, after = parse(entry_point, {}), parse(entry_point, {name: typed})
        assert {key for key in after if after[key] != before[key]} == {name}


def test_options_that_are_no_parameters_are_passed_on() -> None:
    assert parse("train_vae", {"weight_decay": "0.5"})["weight_decay"] == "0.5"
    assert parse("register", {"run": "1234"})["run_id"] == "1234"


def test_conda_and_uv_get_the_versions_of_the_constraints() -> None:
    text = (ROOT / "conda.yaml").read_text(encoding="utf-8")
    dependencies = yaml.safe_load(text)["dependencies"]
    assert dependencies == ["python=3.11", "pip", {"pip": ["-c constraints.txt", ".[apps]"]}]
    assert _PythonEnv.from_conda_yaml(ROOT / "conda.yaml").python == "3.11"
    digest = hashlib.sha256((ROOT / "constraints.txt").read_bytes()).hexdigest()[:16]
    named = re.search(r"^# constraints\.txt: (\w+)$", text, re.MULTILINE)
    assert named is not None
    assert named[1] == digest, "constraints.txt has changed: put this digest into conda.yaml"


def test_this_environment_is_the_constraints_one() -> None:
    pins = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if "==" in line
    )
    for name in ("mlflow", "torch", "numpy", "click"):
        assert metadata.version(name).split("+")[0] == pins[name].split(";")[0].strip()


# ---- the literal command

TOY = """\
name: wallpaper
conda_env: conda.yaml
entry_points:
  train_ode:
    parameters:
      epochs: {type: string, default: "2"}
    command: "python job.py {epochs}"
"""

JOB = """\
import sys
from wallpaper import tracking
with tracking.start("toy", phase="train_ode", config={"epochs": sys.argv[1]}) as run:
    for epoch in range(1, int(sys.argv[1]) + 1):
        run.reporter()({"epoch": epoch, "epochs": 2, "loss": 1 / epoch})
print("run by", sys.executable)
"""


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    (tmp_path / "MLproject").write_text(TOY)
    (tmp_path / "conda.yaml").write_text("dependencies: [python=3.11, pip]\n")
    (tmp_path / "job.py").write_text(JOB)
    return tmp_path


def without_conda(folder: Path) -> dict[str, str]:
    """The environment of a user who typed mlflow's full path: no conda, and no `python` of ours on the PATH."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW", "CONDA", "VIRTUAL_ENV"))}
    tools = folder / "tools"
    tools.mkdir()
    for tool in ("bash", "git"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    return {**kept, "PATH": str(tools), "PYTHONWARNINGS": "ignore"}


def mlflow_run(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("mlflow")
    command = [str(program), "run", ".", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=280)


installed = pytest.mark.skipif(
    not any(found.name == "wallpaper" for found in metadata.entry_points(group="mlflow.default_experiment_provider")),
    reason="the package is not installed with its MLflow plug-in: pip install -e .",
)


@installed
def test_mlflow_run_works_as_typed_without_conda(toy: Path) -> None:
    done = mlflow_run(toy, without_conda(toy), "-e", "train_ode", "-P", "epochs=3")
    assert done.returncode == 0, done.stderr
    assert "conda was not found: running with" in done.stderr
    assert f"run by {sys.executable}" in done.stdout
    client = MlflowClient(f"sqlite:///{toy / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("wallpaper")
    assert experiment is not None
    assert experiment.artifact_location == (toy / "mlartifacts").as_uri()
    (run,) = client.search_runs([experiment.experiment_id])
    assert (run.info.status, run.data.tags["phase"]) == ("FINISHED", "train_ode")
    assert run.data.params == {"epochs": "3", "cfg.epochs": "3"}
    assert [point.step for point in client.get_metric_history(run.info.run_id, "loss")] == [1, 2, 3]


def test_the_fallback_is_for_this_project_and_missing_conda_only(
    toy: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.projects.backend import loader
    from mlflow.projects.backend.local import LocalBackend

    other = tmp_path_factory.mktemp("other")
    (other / "MLproject").write_text("name: another\n")
    seen = []
    monkeypatch.setattr(LocalBackend, "run", lambda self, uri, *rest: seen.append(rest[3]["ENV_MANAGER"]))
    monkeypatch.setitem(loader.MLFLOW_BACKENDS, "local", LocalBackend)
    monkeypatch.setenv("PATH", os.environ["PATH"])
    mlflow_plugin.install_fallback()
    backend = loader.load_backend("local")
    for folder, conda, chosen in [
        (toy, False, None),
        (toy, False, "uv"),
        (toy, True, None),
        (other, False, None),
    ]:
        monkeypatch.setattr(mlflow_plugin, "conda_available", lambda conda=conda: conda)
        backend.run(str(folder), "main", {}, None, {"ENV_MANAGER": chosen}, "sqlite:///x", "0")
    assert seen == ["local", "uv", None, None]


def test_conda_is_found_where_mlflow_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONDA_EXE", "MLFLOW_CONDA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not mlflow_plugin.conda_available()
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "conda"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("MLFLOW_CONDA_HOME", str(tmp_path))
    assert mlflow_plugin.conda_available()


@pytest.mark.parametrize("text", ["name: another\n", "", None])
def test_other_folders_are_not_the_project(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "MLproject").write_text(text)
    assert not mlflow_plugin.is_project(tmp_path)
    assert mlflow_plugin.is_project(ROOT)
