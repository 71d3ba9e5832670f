"""What docs/deploy.md shows to type and to install: units, commands with their options, the folder of a container."""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import mlflow.models
import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement

from tests.servers import free_port
from tests.serving.conftest import ROOT, Server, Store, running
from tests.serving.test_deploy import process
from wallpaper.cli import main

DOCUMENT = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
ALL = "wallpaper-.service.d/all.conf"

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own and those of what it imports


def units() -> dict[str, str]:
    """The text of each file of systemd's, by its path below /etc/systemd/system."""
    (block,) = re.findall(r"^```ini\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    names, *texts = re.split(r"^# /etc/systemd/system/(\S+)\n", block, flags=re.MULTILINE)
    assert names == ""
    return dict(zip(texts[::2], texts[1::2], strict=True))


def code() -> str:
    """All that is typed: indented lines, units, and what stands in backticks; continued lines in one."""
    lines = [*re.findall(r"^    .*$", DOCUMENT, re.MULTILINE), *units().values()]
    return "\n".join([*lines, *re.findall(r"`([^`\n]+)`", DOCUMENT)]).replace("\\\n", " ")


def commands() -> list[tuple[tuple[str, ...], list[str]]]:
    """Each command of this project and of MLflow: its name's words, and what follows them."""
    found = []
    for program, rest in re.findall(r"(?<![\w-])(wallpaper|mlflow) ([a-z][^\n#;]*)", code()):
        words = [program, *shlex.split(rest)]
        length = 3 if words[1] in ("models", "db") and program == "mlflow" else 2
        found.append((tuple(words[:length]), words[length:]))
    return found


def test_every_command_and_option_that_is_shown_exists() -> None:
    names = {name for name, _ in commands()}
    assert names >= {("wallpaper", name) for name in ("serve", "dashboard", "register", "transition", "models")}
    assert names >= {("mlflow", "server"), ("mlflow", "models", "generate-dockerfile"), ("mlflow", "db", "upgrade")}
    texts = mlflow_help(sorted(name for name in names if name[0] == "mlflow"))
    for name in names - texts.keys():
        texts[name] = CliRunner().invoke(main, [*name[1:], "--help"], catch_exceptions=False).output
    unknown = []
    for name, text in texts.items():
        shown = {word for each, words in commands() if each == name for word in words if word.startswith("-")}
        unknown += [(*name, word) for word in shown - set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", text))]
    assert unknown == []


def test_the_command_for_a_ray_cluster_exists() -> None:
    """By its source: loading Ray takes long."""
    (shown,) = re.findall(r"python -m serving\.cluster ([^`]*)`", DOCUMENT)
    source = (ROOT / "serving" / "cluster.py").read_text(encoding="utf-8")
    assert [word for word in shown.split() if word.startswith("-") and f'"{word}"' not in source] == []


def mlflow_help(names: list[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """By command; MLflow's commands take seconds to load, and warn."""
    program = """
import sys
import mlflow.cli
for words in sys.argv[1:]:
    mlflow.cli.cli.main([*words.split(), "--help"], prog_name="mlflow", standalone_mode=False)
    print(end="\\0")
"""
    command = [sys.executable, "-W", "ignore", "-c", program, *(" ".join(name[1:]) for name in names)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return dict(zip(names, done.stdout.split("\0"), strict=False))


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze here")
    for name, text in units().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        text = text.replace("/srv/wallpaper/.venv/bin", str(Path(sys.executable).parent))
        (tmp_path / name).write_text(text.replace("/srv/wallpaper", str(ROOT)))
    started = [name.replace("@", "@5001") for name in units() if name != ALL]
    assert started == ["wallpaper-mlflow.service", "wallpaper-serve@5001.service", "wallpaper-dashboard.service"]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *started],
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"}, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_server_has_its_grace_before_systemd_kills_it() -> None:
    text = units()["wallpaper-serve@.service"]
    grace, stop = (int(re.search(rf"{name}[= ](\d+)", text)[1]) for name in ("--grace", "TimeoutStopSec"))  # type: ignore[index]
    assert stop > grace


@pytest.fixture(scope="module")
def container(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the document's command makes."""
    folder = tmp_path_factory.mktemp("container")
    (words,) = (words for name, words in commands() if name == ("mlflow", "models", "generate-dockerfile"))
    command = [sys.executable, "-m", "mlflow", "models", "generate-dockerfile", *words]
    done = subprocess.run(command, cwd=folder, env=store.environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return folder / "out"


def test_an_image_is_built_from_the_folder_and_brings_no_cuda_along(container: Path) -> None:
    text = (container / "Dockerfile").read_text()
    assert f"FROM python:{platform.python_version()}-slim\n" in text
    assert f"RUN pip install mlflow=={metadata.version('mlflow')}\n" in text
    assert "COPY model_dir /opt/ml/model\n" in text
    model = container / "model_dir"
    index, *lines = (model / "requirements.txt").read_text().splitlines()
    assert re.fullmatch(r"--extra-index-url https://\S+/whl/cpu", index)
    pins = [Requirement(line) for line in lines]
    (torch,) = (
        pin for pin in pins if pin.name == "torch" and pin.marker and pin.marker.evaluate({"sys_platform": "linux"})
    )
    plain = metadata.version("torch").partition("+")[0]
    assert torch.specifier.contains(f"{plain}+cpu")
    assert not torch.specifier.contains(plain)
    assert all(str(pin.specifier).startswith("==") for pin in pins)
    assert sorted(path.name for path in (model / "code").iterdir() if path.name != "log") == ["serving", "wallpaper"]
    assert {path.suffix for path in (model / "artifacts").rglob("*") if path.is_file()} <= {
        ".safetensors",
        ".json",
        ".md",
    }
    assert [path for path in container.rglob("*") if path.suffix in (".pkl", ".pickle", ".pt")] == []


def test_the_proxy_inside_is_as_described() -> None:
    text = (Path(mlflow.models.__file__).parent / "container/scoring_server/nginx.conf").read_text()
    assert "listen 8080" in text
    assert "client_max_body_size 100m" in text
    assert "location ~ ^/(ping|invocations)" in text


@pytest.mark.slow
def test_the_other_server_of_the_image_answers_and_limits_bodies(container: Path, store: Store) -> None:
    assert "-w /opt/ml/model/code -e __pyfunc_model_path__=/opt/ml/model " in DOCUMENT
    (app, words) = re.search(r"--entrypoint uvicorn \S+ (\S+) (.*) --port 8080$", DOCUMENT, re.MULTILINE).groups()  # type: ignore[union-attr]
    command = [sys.executable, "-m", "uvicorn", app, *words.replace("0.0.0.0", "127.0.0.1").split(), "--port"]
    environment = {
        **store.environment,
        "__pyfunc_model_path__": str(container / "model_dir"),
        "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": "60",
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",  # it needs none
    }
    with running(command, container / "model_dir" / "code", environment) as server:
        status, answer = server.post({"source_group": "p1", "target_group": "p6m"}, n_frames=2, size=64)
        assert (status, len(answer["predictions"][0]["frames"])) == (200, 2)
        connection = server.connection()
        connection.request("POST", "/invocations", headers={"Content-Length": str(2**24 + 1)})  # and nothing of it
        refused = connection.getresponse()
        assert (refused.status, json.loads(refused.read())["error_code"]) == (413, "REQUEST_TOO_LARGE")
        connection.close()


@pytest.mark.slow
def test_mlflow_answers_under_its_public_name_and_keeps_files_itself(tmp_path: Path, store: Store) -> None:
    """The command of its unit, with another port and folder."""
    text = units()["wallpaper-mlflow.service"].replace("\\\n", "")
    (line,) = re.findall(r"^ExecStart=\S+ (server .*)$", text, re.MULTILINE)
    port = free_port()
    line = line.replace("5000", str(port)).replace("/var/lib/wallpaper", str(tmp_path))
    command = [sys.executable, "-m", "mlflow", *shlex.split(line)]
    (name, value) = re.findall(r"^Environment=(\S+)=(\S+)$", text, re.MULTILINE)[0]
    with process(command, port, tmp_path / "log", cwd=tmp_path, env={**store.environment, name: value}):
        status, text = Server(port, tmp_path / "log").call("GET", "/api/2.0/mlflow/experiments/get?experiment_id=0")
        assert status == 200
        assert json.loads(text)["experiment"]["artifact_location"].startswith("mlflow-artifacts:")
        for host, expected in (("mlflow.example.org", 200), ("elsewhere.example.org", 403)):
            connection = Server(port, tmp_path / "log").connection()
            connection.request("GET", "/api/2.0/mlflow/experiments/get?experiment_id=0", headers={"Host": host})
            assert connection.getresponse().status == expected
            connection.close()
