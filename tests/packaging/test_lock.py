"""requirements.lock: the versions of constraints.txt for Linux and Python 3.11, each with the registry's own hashes."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging.conftest import ROOT

ENTRY = re.compile(r"^([\w.-]+)==([\w.]+)((?: \\\n +--hash=sha256:[0-9a-f]{64})+)$", re.MULTILINE)
GPU = re.compile(r"nvidia-|cuda-|triton$")
"""What torch brings along where it is the registry's and not built for CPUs: constraints.txt leaves that free."""

SMALL = ("click", "h5py", "safetensors", "torchdiffeq", "tqdm")


def locked() -> dict[str, tuple[str, str]]:
    """Version and whole entry of each package."""
    found = ENTRY.finditer((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    return {canonicalize_name(match[1]): (match[2], match[0]) for match in found}


def test_every_line_is_a_version_with_hashes() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert re.sub(r"^#.*$", "", ENTRY.sub("", text), flags=re.MULTILINE).strip() == ""


def test_it_is_of_these_constraints_and_of_all_that_is_needed() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}
    versions = {name: version for name, (version, _) in locked().items() if not GPU.match(name)}
    assert versions == {name: pins.get(name) for name in versions}, "make it again: CONTRIBUTING.md says how"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["apps"]]
    assert {canonicalize_name(Requirement(text).name) for text in needed} <= set(versions)


def download(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "some.lock").write_text(text + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--require-hashes", "--no-deps", "-r", "some.lock", "-d", "got"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=280, check=False)


@pytest.mark.slow
def test_the_registry_gives_archives_with_these_hashes_and_others_are_refused(tmp_path: Path) -> None:
    """Of a few small packages; skipped where no registry can be reached."""
    entries = [locked()[name][1] for name in SMALL]
    done = download("\n".join(entries), tmp_path)
    if done.returncode and "DO NOT MATCH" not in done.stderr:
        pytest.skip(f"no registry answers: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "got").iterdir())) == len(SMALL)
    forged = re.sub(r"sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", entries[0])
    refused = download(forged, tmp_path)
    assert refused.returncode != 0
    assert "DO NOT MATCH" in refused.stderr
