"""Registration, and the registered model as a client over HTTP sees it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from mlflow import MlflowClient

from serving import packing
from serving import register as registration
from tests.serving.conftest import Store
from wallpaper import tracking
from wallpaper.evaluation import Record, weights_of
from wallpaper.models.transition_model import TransitionModel

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own and those of what it imports


@pytest.fixture
def client(store: Store, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.environment["MLFLOW_TRACKING_URI"])
    return tracking.initialise().client


def artifacts(store: Store) -> Path:
    return Path(store.environment["MLFLOW_TRACKING_URI"].removeprefix("sqlite:///")).parent / "mlartifacts"


def test_the_version_belongs_to_its_run_and_has_the_alias(store: Store, client: MlflowClient) -> None:
    assert store.printed == "wallpaper-transition version 1: models:/wallpaper-transition@champion\n"
    version = client.get_model_version_by_alias("wallpaper-transition", "champion")
    run = client.get_run(str(version.run_id))
    assert (run.info.status, run.data.tags["phase"]) == ("FINISHED", "register")
    assert run.outputs is not None
    (output,) = run.outputs.model_outputs
    logged = client.get_logged_model(output.model_id)
    assert version.source == f"models:/{logged.model_id}"
    assert str(logged.status) == "READY"
    assert logged.experiment_id == run.info.experiment_id
    assert logged.artifact_location.startswith(artifacts(store).as_uri())


def test_no_pickle_is_kept_and_the_versions_are_pinned(store: Store) -> None:
    kept = (path for path in artifacts(store).glob("models/*/**/*") if path.is_file())
    files = [path for path in kept if "__pycache__" not in path.parts]  # written by whoever loads it from this store
    assert {path.suffix for path in files} <= {".py", ".txt", ".md", ".yaml", ".json", ".safetensors", "", ".typed"}
    assert not [path for path in files if "shipped" in path.parts], "the served code carries no weights of its own"
    names = {"vae.safetensors", "ode.safetensors", "samples.safetensors"}
    assert {path.name for path in files if path.suffix == ".safetensors"} == names
    index, *pins = next(path.read_text().splitlines() for path in files if path.name == "requirements.txt")
    assert index == "--extra-index-url https://download.pytorch.org/whl/cpu"
    assert all(re.fullmatch(r"[A-Za-z0-9-]+==[0-9.]+\w*", pin) for pin in pins[:-2])
    version = metadata.version("torch").split("+")[0]
    assert pins[-2:] == [
        f'torch=={version}+cpu; sys_platform == "linux"',  # the plain wheel brings CUDA along
        f'torch=={version}; sys_platform != "linux"',
    ]


def test_the_card_and_the_tags_say_where_the_model_comes_from(
    store: Store, client: MlflowClient, model_folder: Path
) -> None:
    version = client.get_model_version_by_alias("wallpaper-transition", "champion")
    digest = registration.digest(model_folder)
    assert {"run_id": version.run_id, "digest": digest}.items() <= version.tags.items()
    (card,) = artifacts(store).glob(f"models/{version.source.removeprefix('models:/')}/artifacts/artifacts/card.md")
    text = card.read_text()
    assert text.startswith(version.description)
    for fact in (version.run_id, digest, version.tags["samples_digest"], "No evaluation is recorded"):
        assert fact in text


def test_the_pins_cover_what_the_library_needs() -> None:
    needed = {re.split(r"[^\w-]", text)[0] for text in metadata.requires("wallpaper") or [] if "extra ==" not in text}
    assert needed - {"click", "tqdm"} <= set(packing.REQUIREMENTS)


def test_a_named_run_keeps_its_state_and_gets_the_figures(
    client: MlflowClient, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tracking.start("ode", phase="train_ode") as run:
        pass
    before = client.get_run(run.run_id).info
    command = client.create_run(before.experiment_id).info.run_id  # made by `mlflow run -e register`
    monkeypatch.setenv("MLFLOW_RUN_ID", command)
    weights = weights_of(TransitionModel.load(model_folder))
    evaluation = Record({"eval/psnr_test": 21.5}, weights=weights, data="0123456789abcdef", split="test")
    done = registration.register(model_folder, run_id=run.run_id, evaluation=evaluation)
    assert (done.uri, done.run_id) == ("models:/wallpaper-transition@challenger", run.run_id)
    after = client.get_run(run.run_id)
    assert (after.info.status, after.info.end_time) == (before.status, before.end_time)
    assert after.data.metrics == {"eval/psnr_test": 21.5}
    assert client.get_run(command).data.params["cfg.run"] == run.run_id
    version = client.get_model_version_by_alias("wallpaper-transition", "challenger")
    metrics = client.get_logged_model(str(version.source).removeprefix("models:/")).metrics or []
    assert [(metric.key, metric.value) for metric in metrics] == [("eval/psnr_test", 21.5)]
    assert "| eval/psnr_test | 21.5 |" in version.description
    assert {"eval.psnr_test": "21.5", "eval.data": "0123456789abcdef"}.items() <= version.tags.items()
    assert client.get_model_version_by_alias("wallpaper-transition", "champion").version != version.version


def test_figures_of_a_model_that_is_registered_again_are_points_of_their_own(
    client: MlflowClient, model_folder: Path
) -> None:
    with tracking.start("ode", phase="train_ode") as run:
        pass
    weights = weights_of(TransitionModel.load(model_folder))
    for number, figure in enumerate((21.5, 20.0)):
        evaluation = Record({"eval/psnr_test": figure}, weights=weights, data="", split="test")
        done = registration.register(model_folder, run_id=run.run_id, evaluation=evaluation)
        version = client.get_model_version(done.name, done.version)
        metrics = client.get_logged_model(str(version.source).removeprefix("models:/")).metrics or []
        last = max(metrics, key=lambda metric: metric.step)  # MLflow gives a model what its run has already, too
        assert (last.value, last.step) == (figure, number)
    points = client.get_metric_history(run.run_id, "eval/psnr_test")
    assert sorted((point.step, point.value) for point in points) == [(0, 21.5), (1, 20.0)]
    assert client.get_run(run.run_id).data.metrics == {"eval/psnr_test": 20.0}


def test_figures_of_other_weights_are_refused(client: MlflowClient, model_folder: Path) -> None:
    other = Record({"eval/psnr_test": 99.0}, weights="0" * 64, data="", split="test")
    with pytest.raises(ValueError, match=r"must be of the model's weights, .*, but got one of 0000000000000000; run"):
        registration.register(model_folder, evaluation=other)


def test_a_model_that_cannot_answer_does_not_get_the_alias(
    client: MlflowClient, model_folder: Path, tmp_path: Path
) -> None:
    broken = shutil.copytree(model_folder, tmp_path / "broken")
    (broken / "ode.safetensors").write_bytes((broken / "vae.safetensors").read_bytes())
    before = client.get_model_version_by_alias("wallpaper-transition", "champion").version
    with pytest.raises(
        RuntimeError, match=r"must answer its example before it is registered, but: .*this model's weights"
    ):
        registration.register(broken)
    assert client.get_model_version_by_alias("wallpaper-transition", "champion").version == before
    (run,) = client.search_runs(["1"], f"tags.folder = '{broken}'")
    assert run.info.status == "FAILED"


def test_a_folder_without_a_model_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match=r"holds model.json, .*, but .* has no vae\.safetensors"):
        registration.register(tmp_path)
    assert registration.main([str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("Error: a model's folder holds model.json")


def test_an_unknown_run_is_named(client: MlflowClient, model_folder: Path) -> None:
    with pytest.raises(tracking.TrackingError, match=r"`run_id` must name a run in sqlite:.*, but got 'nope'"):
        registration.register(model_folder, run_id="nope")


LOAD = """
import wallpaper.mlflow_plugin  # as MLflow does where the package is installed
import mlflow, sys
mlflow.pyfunc.load_model("models:/wallpaper-transition@champion")
print(*(sys.modules[name].__file__ for name in ("wallpaper", "wallpaper.transition", "serving.requests")), sep="\\n")
"""


def test_the_code_kept_with_the_model_answers_not_the_checkout_s(store: Store, tmp_path: Path) -> None:
    """Else editing the library would change, or break, a model that is already registered."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD], cwd=tmp_path, env=store.environment, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr
    files = done.stdout.split()
    assert len(files) == 3
    assert all("/artifacts/code/" in file for file in files), files
