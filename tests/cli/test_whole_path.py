"""The whole way by commands, on settings as small as can be: what each leaves behind, and going on after a stop."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from mlflow import MlflowClient
from PIL import Image, ImageSequence

from tests.cli.conftest import SMALL, call, succeed
from tests.tiny import tiny_model
from wallpaper import data
from wallpaper.cli import training
from wallpaper.data import PatternStore
from wallpaper.models.transition_model import TransitionModel
from wallpaper.plane import GROUP_NAMES

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

CHECKPOINTS = {
    *("best.json", "best.safetensors", "best_model.safetensors", "config.json", "final_model.safetensors"),
    *("history.json", "last.json", "last.safetensors", "visualizations"),
}


def the_run(root: Path) -> Path:
    (folder,) = root.iterdir()
    return folder


def recorded(project: Path, phase: str) -> list[dict[str, str]]:
    """Status and tags of the runs of a phase."""
    client = MlflowClient(f"sqlite:///{project / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("wallpaper")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], f"tags.phase = '{phase}'")
    return [{"status": run.info.status, **run.data.tags} for run in runs]


def test_generate_leaves_a_dataset_with_splits(project: Path) -> None:
    store = PatternStore(project / "data" / "patterns.h5")
    assert (len(store), store.side, store.found) == (170, 32, "uint8 0-255")
    assert sum(len(part) for part in store.splits.values()) == 170


def test_generating_again_finds_the_finished_file(project: Path) -> None:
    before = (project / "data" / "patterns.h5").stat().st_mtime_ns
    result = succeed("generate", "--per-group", 10, "--size", 32, "--workers", 1)
    assert result.stdout.startswith(
        "170 patterns of 32 x 32 in data/patterns.h5 (uint8 0-255; train 102, val 34, test 34)"
    )
    assert result.stdout.endswith("Next: wallpaper train-vae --data data/patterns.h5\n")
    assert (project / "data" / "patterns.h5").stat().st_mtime_ns == before


def test_generate_writes_pictures_by_group(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "p.h5"
    args = ("--per-group", 1, "--size", 16, "--workers", 1, "--images", tmp_path / "images", "--dtype", "float64")
    result = succeed("generate", "-o", target, *args)
    assert "float 0-1" in result.stdout
    assert {path.parent.name for path in (tmp_path / "images").glob("*/*.png")} == set(GROUP_NAMES)


def test_trainings_leave_checkpoints_settings_and_a_whole_model(project: Path) -> None:
    vae, ode = the_run(project / "output" / "vae"), the_run(project / "output" / "ode")
    assert {path.name for path in vae.iterdir()} == CHECKPOINTS | {"latents"}
    assert {path.name for path in ode.iterdir()} == CHECKPOINTS | {"model"}
    assert [path.name for path in (vae / "latents").glob("coupling*")] == ["coupling-ot.npz"]
    assert json.loads((ode / "config.json").read_text())["pairs_per_epoch"] == 64
    model = TransitionModel.load(ode / "model")
    assert model.resolution == 32
    assert set(model.info) == {"vae_digest", "ode_digest", "data_digest", "run_id", "held_out_pairs"}
    for phase in ("train_vae", "train_ode"):
        (run,) = recorded(project, phase)
        assert run["status"] == "FINISHED"
    assert recorded(project, "train_ode")[0]["vae.folder"] == f"output/vae/{vae.name}"


def test_transitions_as_gif_mp4_and_strip(project: Path) -> None:
    tiny_model("palette").save(the_run(project / "output" / "ode") / "model")  # its pictures are not flat
    options = ("--n-frames", 5, "--size", 64)
    result = succeed("transition", "p4", "p4m", "-o", "new/p.gif", "--frames", "frames", *options)
    assert result.stdout.startswith("new/p.gif: p4 to p4m, every frame keeps p4 (order 4); path length ")
    with Image.open("new/p.gif") as image:
        durations = [page.info["duration"] for page in ImageSequence.Iterator(image)]
    assert durations == [500] * 5
    assert sorted(path.name for path in Path("frames").iterdir()) == [f"{k:03d}.png" for k in range(5)]
    assert iio.imread("frames/000.png").shape == (64, 64, 3)
    assert "p.mp4: p3 to p6" in succeed("transition", "p3", "p6", "-o", "p.mp4", *options).stdout
    assert sum(1 for _ in iio.imiter("p.mp4", plugin="FFMPEG")) == 5
    succeed("transition", "cmm", "p4m", "-o", "p.png", *options)
    height, width, _ = iio.imread("p.png").shape
    assert width > 2 * height


def test_a_transition_s_file_is_named_by_its_groups(project: Path) -> None:
    """Full symbols are understood; the default is a GIF."""
    result = succeed("transition", "p1m1", "p2", "--n-frames", 2, "--size", 16)
    assert result.stdout.startswith("pm_to_p2.gif: pm to p2")
    assert (project / "pm_to_p2.gif").is_file()


def test_the_seed_chooses_the_pattern(project: Path) -> None:
    def drawn(seed: int) -> np.ndarray:
        frames = f"frames{seed}"
        succeed("transition", "p2", "p4", "--frames", frames, "--n-frames", 2, "--size", 32, "--seed", seed)
        picture: np.ndarray = iio.imread(project / frames / "000.png")
        return picture

    first = drawn(3)
    assert not np.array_equal(first, drawn(4))
    np.testing.assert_array_equal(first, drawn(3))


def test_evaluate_prints_and_keeps_its_figures(project: Path) -> None:
    result = succeed("evaluate", "--split", "val")
    ode = the_run(project / "output" / "ode")
    found = json.loads((ode / "evaluation.json").read_text())
    psnr = found["metrics"]["eval/psnr_val"]
    table = {name.strip(): value for name, value in re.findall(r"^  (.+?)  +(\S.*)$", result.stdout, re.MULTILINE)}
    assert table["PSNR of the mean squared error (dB)"].startswith(f"{psnr:.2f} ")
    assert re.fullmatch("0 +0 +met", table["residual of 272 first frames"])
    assert result.stdout.endswith(f"All figures: output/ode/{ode.name}/evaluation.json\n")
    (run,) = recorded(project, "evaluate")
    assert run["status"] == "FINISHED"


def test_evaluate_measures_a_vae_alone(project: Path) -> None:
    vae = the_run(project / "output" / "vae")
    named = succeed("evaluate", "--vae", vae.name)
    assert "SSIM" in named.stdout
    assert "Transport" not in named.stdout
    assert named.stdout.endswith(f"All figures: output/vae/{vae.name}/evaluation.json\n")
    shutil.rmtree(project / "output" / "ode")
    alone = succeed("evaluate")
    assert alone.stderr.startswith(f"No transition model yet: measuring the VAE output/vae/{vae.name} alone.\n")
    assert alone.stdout == named.stdout


def test_a_run_s_name_or_folder_is_a_model_too(project: Path) -> None:
    ode = the_run(project / "output" / "ode")
    for model in (ode, ode / "model"):
        succeed("transition", "p1", "p2", "-o", "x.png", "--n-frames", 2, "--size", 16, "--model", model)


def test_a_finished_training_is_gone_on_with(project: Path) -> None:
    vae, ode = the_run(project / "output" / "vae"), the_run(project / "output" / "ode")
    shown = succeed("train-ode", "--resume", ode.name, "--vae", vae.name, "--epochs", 2, "--no-pictures")
    assert f"VAE: output/vae/{vae.name}\n" in shown.stderr
    assert shown.stdout.startswith(f"output/ode/{ode.name}: best epoch ")
    succeed("train-vae", "--resume", "last", "--epochs", 2, "--no-pictures")
    for run in (vae, ode):
        assert [row["epoch"] for row in json.loads((run / "history.json").read_text())] == [1, 2]
        assert the_run(run.parent) == run


def test_an_ode_is_gone_on_with_on_its_own_vae(project: Path) -> None:
    """Even if a newer VAE has come since."""
    first = the_run(project / "output" / "vae")
    succeed("train-vae", *SMALL, "--seed", 1, "--no-pictures")
    newest = max((project / "output" / "vae").iterdir())
    assert newest != first
    ode = the_run(project / "output" / "ode")
    last = json.loads((ode / "last.json").read_text())
    assert Path(last["vae"]["folder"]).name == first.name
    result = succeed("train-ode", "--resume", "last", "--epochs", 2, "--no-pictures")
    assert f"{first.name}\n" in result.stderr
    assert newest.name not in result.output


def test_from_nothing_to_a_model_when_asked(tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(made / "mlflow.db", tmp_path)  # a store of its own, whose tables need not be made
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.setattr(training, "PER_GROUP", 10)
    monkeypatch.setattr(training.os, "cpu_count", lambda: 1)
    result = succeed("train-ode", *SMALL, "--pairs-per-epoch", 64, "--train-vae-if-missing", "true", "--no-pictures")
    assert "No dataset at data/patterns.h5: generating one." in result.stdout
    assert "No trained VAE: training one in output/vae/" in result.stdout
    assert TransitionModel.load(the_run(tmp_path / "output" / "ode") / "model").resolution == 32


def test_the_endpoint_objective_as_the_preset_baseline_has_it(project: Path) -> None:
    baseline = ("--objective", "endpoint", "--coupling", "random", "--adjoint", "true", "--transition-mode", "mixed")
    succeed("train-ode", *SMALL, "--pairs-per-epoch", 32, "--no-pictures", *baseline)
    newest = max((project / "output" / "ode").iterdir())
    assert json.loads((newest / "config.json").read_text())["adjoint"] is True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda value: value.name)
def test_a_signal_saves_and_stops_and_the_run_goes_on(
    project: Path, environment: dict[str, str], number: signal.Signals
) -> None:
    command = [
        sys.executable,
        "-m",
        "wallpaper",
        "train-vae",
        "--preset",
        "smoke",
        "--epochs",
        "5000",
        "--output",
        "runs",
        "--no-pictures",
    ]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        wait_for(lambda: any(Path("runs").glob("*/history.json")), process)
        process.send_signal(number)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    run = the_run(Path("runs"))
    assert error.splitlines()[-1].startswith("Stopped in epoch ")
    assert f"resume from {run} with --resume last" in error
    assert "Traceback" not in error
    done = len(json.loads((run / "history.json").read_text()))
    assert "KILLED" in [each["status"] for each in recorded(project, "train_vae")]
    succeed("train-vae", "--output", "runs", "--resume", "last", "--epochs", done + 1, "--no-pictures")
    assert len(json.loads((run / "history.json").read_text())) == done + 1


def test_an_interrupted_file_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(data, "generate_dataset", stop)
    result = call("generate", "-o", tmp_path / "p.h5")
    assert result.exit_code == 130
    assert result.stderr == "What is done is kept; the same command goes on.\nStopped.\n"


def wait_for(condition: object, process: subprocess.Popen[str], seconds: float = 90.0) -> None:
    """Poll until the condition holds; the test fails if the process ends or the time is over first."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)
