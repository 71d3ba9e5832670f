"""A user's mistakes: exit code 2, one sentence that helps, no traceback, and nothing left behind."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import SMALL, call, succeed
from wallpaper.cli import output

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

NO_VAE = "no trained VAE below output/vae/; train one first with `wallpaper generate` and `wallpaper train-vae`"


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(*words: object) -> str:
    """The message of a command that must end with exit code 2, and say one thing only."""
    result = call(*words)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    lines = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1
    assert result.stderr.splitlines()[-1] == lines[0]
    return lines[0].removeprefix("Error: ")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nonsense", "No such command 'nonsense'."),
        ("generate --per-group 0", "Invalid value for '--per-group': 0 is not in the range x>=1."),
        ("generate --size 30", "data/patterns.h5: `side % 4 == 0` must hold, but got 30; use a multiple of 4"),
        ("generate --size big", "Invalid value for '--size': 'big' is not a valid integer range."),
        ("generate --dtype float32", "Invalid value for '--dtype': 'float32' is not one of 'uint8', 'float64'."),
        ("generate --seed -1", "Invalid value for '--seed': -1 is not in the range x>=0."),
        ("generate -o .", "Invalid value for '-o' / '--output': File '.' is a directory."),
        ("train-vae", "data/patterns.h5: no such file; check the path, or generate a dataset"),
        ("train-vae --data .", "Invalid value for '--data': File '.' is a directory."),
        (
            "train-vae --preset huge",
            "Invalid value for '--preset': 'huge' is not one of 'smoke', 'laptop', 'champion', ",
        ),
        ("train-vae --learningrate 1", "No such option '--learningrate'. Did you mean '--learning-rate'?"),
        ("train-ode", NO_VAE),
        ("train-ode --vae nowhere", "`--vae nowhere` must be a trained VAE's folder, or its name below output/vae"),
        (
            "train-ode --resume last",
            "`--resume last` needs a run with a `last` checkpoint, but output/ode has none such",
        ),
        (
            "train-ode --train-vae-if-missing maybe",
            "Invalid value for '--train-vae-if-missing': 'maybe' is not a valid",
        ),
        ("train-ode --epochs 0", "`epochs >= 1` must hold, but got 0"),
        ("train-ode --adjoint true --solver rk4", "`adjoint` needs `solver` dopri5, but got 'rk4'"),
        ("train-ode --coupling near", "`coupling` must be one of ot, random, projection, but got 'near'"),
        ("train-ode --device cuda:99", "`--device cuda:99` needs a GPU that torch can use, but there is none such"),
        ("transition p1", "Missing argument 'TARGET'."),
        ("transition p9 p1", "unknown wallpaper group 'p9'; one of p1, p2, pm, pg, cm"),
        ("transition p1 p6m -o x.webp", "Invalid value for '--output': must end in .gif, .mp4, .png, but got 'x.webp'"),
        ("transition p1 p6m --n-frames 1", "Invalid value for '--n-frames': 1 is not in the range 2<=x<=1000."),
        (
            "transition p1 p6m --model x",
            "`--model x` must be a folder with model.json, a run's folder with model/ in it, or shipped",
        ),
        ("evaluate --vae x", "`--vae x` must be a trained VAE's folder, or its name below output/vae"),
        ("evaluate --vae x --model y", "`--model` has a VAE of its own; give it or --vae, not both"),
        ("evaluate --split train", "Invalid value for '--split': 'train' is not one of 'test', 'val'."),
        ("register --name a/b", "Invalid value for '--name': must hold neither / nor :, but got 'a/b'"),
        ("serve --port 0", "Invalid value for '-p' / '--port': 0 is not in the range 1<=x<=65535."),
        ("demo --preset plan", "Invalid value for '--preset': 'plan' is not one of 'laptop', 'smoke'."),
    ],
)
def test_without_a_project_each_command_says_what_is_missing(empty: Path, line: str, message: str) -> None:
    assert refused(*line.split()).startswith(message)
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("train-vae --learning-rate abc", "`learning_rate` must be float, but got 'abc'"),
        ("train-vae --learning-rate -1", "`learning_rate > 0` must hold, but got -1.0"),
        ("train-vae --hidden-dims 8,x", "`hidden_dims` must be ints, separated by commas, but got 'x'"),
        ("train-vae --pool most", "`pool` must be one of "),
        ("train-vae --preset smoke --resolution 64", "`side % resolution == 0` must hold, but the patterns have 32"),
        ("train-vae --resume nothing", "`--resume nothing` needs a run with a `last` checkpoint"),
        ("transition p2 p2", "`source != target` must hold, but both are p2"),
        ("generate --per-group 11 --size 32", "data/patterns.h5: exists with other settings: `per_group` is 10 there"),
        ("generate -o data/other.h5 --per-group 1", "data/other.h5: splits.npz of another dataset is in the same"),
    ],
)
def test_in_a_project_each_command_says_what_is_wrong(project: Path, line: str, message: str) -> None:
    before = sorted(project.rglob("*"))
    assert refused(*line.split()).startswith(message)
    assert [path for path in sorted(project.rglob("*")) if path not in before and "mlflow" not in path.name] == []


def test_a_run_is_not_resumed_with_another_network(project: Path) -> None:
    assert refused("train-vae", "--resume", "last", "--latent-dim", 3).endswith(
        "can only be resumed with the same settings and data, but latent_dim was 8, is now 3"
    )


def test_a_failed_start_leaves_no_empty_run(project: Path) -> None:
    succeed("generate", "-o", "small/p.h5", "--per-group", 10, "--size", 16, "--workers", 1)
    before = sorted(Path("output/ode").iterdir())
    assert "`side` must divide the store's 16, but got 32" in refused_after_start(
        "train-ode", *SMALL, "--data", "small/p.h5"
    )
    assert sorted(Path("output/ode").iterdir()) == before


def test_damaged_files_are_named(project: Path) -> None:
    (ode,) = Path("output/ode").iterdir()
    (vae,) = Path("output/vae").iterdir()
    damaged = {
        "cut.h5": (Path("data/patterns.h5"), 50_000),
        "vae": (vae / "best.safetensors", 500),
        "model": (ode / "model" / "ode.safetensors", 500),
    }
    shutil.copytree(vae, "vae")
    shutil.copytree(ode / "model", "model")
    for name, (source, size) in damaged.items():
        target = Path(name) / source.name if Path(name).is_dir() else Path(name)
        target.write_bytes(source.read_bytes()[:size])
    Path("junk.h5").write_text("no HDF5")
    assert refused("train-vae", "--data", "cut.h5").startswith("cut.h5: truncated")
    assert refused("evaluate", "--data", "junk.h5") == "junk.h5: not an HDF5 file; check the path"
    assert refused("evaluate", "--model", "model").startswith(
        "model/ode.safetensors must hold this model's weights, but"
    )
    assert refused("transition", "p1", "p2", "--model", "model").startswith("model/ode.safetensors must hold")
    assert "vae/best.safetensors is not a whole safetensors file" in refused_after_start(
        "train-ode", *SMALL, "--vae", "vae"
    )


def test_too_small_a_dataset_is_refused_by_each_phase(project: Path) -> None:
    succeed("generate", "-o", "one/p.h5", "--per-group", 1, "--size", 32, "--workers", 1)
    assert "the split 'val' must hold at least one pattern" in refused("train-vae", *SMALL, "--data", "one/p.h5")
    assert "must hold at least two patterns of every group" in refused_after_start("evaluate", "--data", "one/p.h5")


def test_a_vae_that_was_stopped_early_is_named_as_such(project: Path) -> None:
    (vae,) = Path("output/vae").iterdir()
    config = (vae / "config.json").read_text()
    (vae / "config.json").write_text(config.replace('"epochs": 1', '"epochs": 9'))
    shown = succeed("train-ode", *SMALL, "--pairs-per-epoch", 32).stderr
    assert f"VAE: {vae}, stopped after epoch 1 of 9; go on with wallpaper train-vae --resume {vae}\n" in shown


def test_a_model_that_is_not_registered_is_not_served(project: Path) -> None:
    message = refused("serve", "--model", "models:/none@champion")
    assert message.startswith("`--model models:/none@champion` must be registered in sqlite:///")
    assert message.endswith("register a trained model with `wallpaper register`")
    assert "models:/none/3" in refused("serve", "--model", "models:/none/3")


def test_a_process_shows_no_traceback_unless_asked_to(project: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "wallpaper", "transition", "p1", "p1"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: `source != target` must hold, but both are p1; a route joins different groups only\n"
    asked = environment | {"WALLPAPER_TRACEBACK": "1"}
    done = subprocess.run(command, env=asked, capture_output=True, text=True, timeout=100)
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def refused_after_start(*words: object) -> str:
    """As `refused`, where the run had begun and was recorded."""
    result = call(*words)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return result.stderr.splitlines()[-1].removeprefix("Error: ")


def test_a_demonstration_over_another_dataset_names_the_way_to_start_over(project: Path) -> None:
    (project / "output" / "demo").mkdir(parents=True)
    for name in ("patterns.h5", "splits.npz"):
        shutil.copy(project / "data" / name, project / "output" / "demo" / name)
    result = call("demo", "--preset", "smoke")
    message = result.stderr.strip()
    assert result.exit_code == 2
    assert "exists with other settings: `per_group` is 10 there, but 14 was asked" in message
    assert message.endswith("start the demonstration over with --fresh")


@pytest.mark.parametrize(
    "line",
    [
        "generate -o",
        "generate --images",
        "import picture.png -o",
        "export --pattern p4:1 --tile",
        "inspect x.h5 --sheet",
        "benchmark -o",
        "identify picture.png -o",
        "relations --tree",
        "transition p1 p2 -o",
        "transition p1 p2 --spectrum",
        "train-vae --output",
        "demo --output",
    ],
)
def test_a_place_that_takes_no_files_is_told_before_the_work(empty: Path, line: str) -> None:
    (empty / "taken").write_text("")
    message = refused(*line.split(), "taken/x.png")
    assert message.endswith(f"taken/x.png cannot be written: {empty}/taken is no folder; choose another place")
    assert list(empty.iterdir()) == [empty / "taken"]


def test_a_disk_that_takes_no_files_is_told_before_the_work(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output.os, "access", lambda path, _: Path(path) != empty)
    assert refused("transition", "p1", "p2", "-o", "a.gif").endswith(f"{empty} takes no files; choose another place")
