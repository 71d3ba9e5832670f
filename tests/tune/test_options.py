"""Options of a search, and what a resumed one may have anew."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tune import options
from tune.options import Options
from wallpaper import provenance


def kept(root: Path, name: str = "a", **changes: object) -> Path:
    folder = options.new_folder(root, name)
    options.save(folder, replace(Options(storage_path=root), **changes), {"spaces": {}})  # type: ignore[arg-type]
    return folder


def test_a_resumed_search_keeps_its_options_and_may_be_longer_or_elsewhere(tmp_path: Path) -> None:
    folder = kept(tmp_path, trials=5, preset="smoke", seed=3, sampler="gp")
    given = Options(trials=9, gpus=2, resume="a", retry_failed=True, sampler="tpe")
    found = options.resumed(folder, given, {"trials", "resume", "retry_failed"})
    assert found == replace(
        Options(), trials=9, preset="smoke", seed=3, sampler="gp", resume="a", retry_failed=True, name="a",
        storage_path=tmp_path,
    )  # fmt: skip
    assert options.resumed(folder, given, {"gpus"}).gpus == 2
    with pytest.raises(ValueError, match=r"--sampler of a search cannot change .*: a has 'gp', but got 'tpe'"):
        options.resumed(folder, given, {"sampler"})


def test_searches_are_found_by_name_by_folder_and_last(tmp_path: Path) -> None:
    for count, name in enumerate("bca"):
        os.utime(kept(tmp_path, name) / options.SEARCH, (count, count))
    assert options.search_folder(tmp_path, "c") == tmp_path / "c"
    assert options.search_folder(tmp_path, str(tmp_path / "b")) == tmp_path / "b"
    assert options.search_folder(tmp_path, "last") == tmp_path / "a"
    with pytest.raises(FileNotFoundError, match=r"'d' must be a search in .*, or last, but is none; there are b, c, a"):
        options.search_folder(tmp_path, "d")
    with pytest.raises(FileNotFoundError, match="'last' must be a search"):
        options.search_folder(tmp_path / "none", "last")


def test_names_are_taken_once(tmp_path: Path) -> None:
    kept(tmp_path)
    with pytest.raises(FileExistsError, match="choose another --name, or go on with --resume a"):
        options.new_folder(tmp_path, "a")
    assert options.new_folder(tmp_path, "").parent == tmp_path


def test_a_name_is_not_taken_by_a_search_that_was_killed_before_it_could_be_gone_on_with(tmp_path: Path) -> None:
    folder = options.new_folder(tmp_path, "a")
    (folder / options.OWNER).write_text(f"{provenance.host()}\n1 12345")
    (folder / ".search.json.x.tmp").write_text("{")
    options.take(kept(tmp_path))
    with pytest.raises(FileExistsError, match="--resume a"):
        options.new_folder(tmp_path, "a")


def test_a_search_that_runs_is_left_alone(tmp_path: Path) -> None:
    options.take(tmp_path)
    options.take(tmp_path)  # by the same process
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        (tmp_path / options.OWNER).write_text(f"{provenance.host()}\n{provenance.process(other.pid)}")
        with pytest.raises(ValueError, match=f"must not be running, but process {other.pid} is at it"):
            options.take(tmp_path)
        other.kill()
    options.take(tmp_path)


@pytest.mark.parametrize(
    ("text", "seconds"), [("", math.inf), ("90", 90), ("90s", 90), ("1.5h", 5400), ("30 m", 1800), (".5m", 30)]
)
def test_times_may_have_units(text: str, seconds: float) -> None:
    assert options.seconds(text) == seconds


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"time_budget": "soon"}, "`--time-budget` must be a time above 0 like .*, but got 'soon'"),
        ({"time_budget": "0"}, "above 0"),
        ({"vae": "x"}, "--vae is the frozen VAE of --phase ode, but --phase is both"),
        ({"retry_failed": True}, "--retry-failed needs --resume"),
        ({"resume": "a", "name": "b"}, "--resume a goes on with a search, but --name is for a new one"),
        ({"resume": "a", "warm_start": "b"}, "but --warm-start is for a new one"),
        ({"gpus_per_trial": 1.5}, "--gpus-per-trial must be a whole number"),
    ],
)
def test_options_that_cannot_go_together_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(Options(), **changes).check()  # type: ignore[arg-type]


def test_the_database_of_an_earlier_search_is_found(tmp_path: Path) -> None:
    folder = kept(tmp_path)
    assert options.warm_database(tmp_path, "a", "ode") is None
    (folder / "ode").mkdir()
    (folder / "ode" / "study.db").touch()
    assert options.warm_database(tmp_path, "a", "ode") == folder / "ode" / "study.db"
    assert options.warm_database(tmp_path, str(folder / "ode" / "study.db"), "vae") == folder / "ode" / "study.db"
    with pytest.raises(FileNotFoundError, match="must be a search"):
        options.warm_database(tmp_path, "b", "ode")


def test_it_starts_from_the_demonstration_if_there_is_nothing_newer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="wallpaper generate"):
        options.find_data("")
    with pytest.raises(FileNotFoundError, match="wallpaper train-vae"):
        options.find_vae("")
    with pytest.raises(FileNotFoundError, match="`--data none` is no file"):
        options.find_data("none")
    files = [options.DEMO_DATA, options.DEMO_VAE / "best.safetensors", options.VAE_RUNS / "1" / "best.safetensors"]
    for file in [*files, options.VAE_RUNS / "2" / "best.safetensors", options.VAE_RUNS / "3" / "config.json"]:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        if file == files[1]:
            assert options.find_vae("") == options.DEMO_VAE
    assert options.find_data("") == options.DEMO_DATA
    assert options.find_vae("") == options.VAE_RUNS / "2"
