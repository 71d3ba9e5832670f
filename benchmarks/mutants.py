"""Whether the tests notice: the code is made wrong on purpose, one mistake at a time, and its tests must fail.

`python -m benchmarks.mutants`, minutes. Each mistake is made in a copy of the checkout, where the tests named beside it
run as they stand. Prediction, written before the first run: none survives. Exits 1 if one does, or if the tests fail
without a mistake.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from benchmarks.measuring import FILE, Findings, begin, checked_file

ROOT = Path(__file__).resolve().parents[1]

PACKAGES = ("wallpaper", "tune", "serving", "dashboard", "benchmarks", "docs", "tests")

PROJECTION, MAPS = "wallpaper/symmetry/projection.py", "wallpaper/symmetry/index_maps.py"
GROUPS, VAE = "wallpaper/plane/groups.py", "wallpaper/models/vae.py"
OF_GROUPS, OF_PROJECTION = "tests/plane/test_groups.py", "tests/symmetry/test_projection.py"
DONE, FAILED = 0, 1
"""Pytest's exit codes: all passed, some failed."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake. `before` stands in `file` once."""

    name: str
    file: str
    before: str
    after: str
    tests: str


MUTANTS = (
    Mutant(
        "scale: the projection is a hundredth too bright",
        PROJECTION,
        "base.add_(total.div_(size).gather(-1, first))",
        "base.add_(total.div_(size).gather(-1, first)).mul_(1.01)",
        OF_PROJECTION,
    ),
    Mutant(
        "identity: the projection changes nothing",
        PROJECTION,
        "flat = image.flatten(-2)\n",
        "return image.clone()\n    flat = image.flatten(-2)\n",
        OF_PROJECTION,
    ),
    Mutant(
        "gradient: that of the identity",
        PROJECTION,
        "return (total / size).gather(-1, first), None, None",
        "return gradient, None, None",
        OF_PROJECTION,
    ),
    Mutant(
        "transpose: an operation's matrix is turned over",
        MAPS,
        "(a, b), (c, d) = op.rot",
        "(a, c), (b, d) = op.rot",
        "tests/symmetry/test_index_maps.py",
    ),
    Mutant(
        "translation: that along a is left out",
        MAPS,
        "b * j + op.shift[0] * side // DEN",
        "b * j",
        "tests/symmetry/test_index_maps.py",
    ),
    Mutant("setting: pmg with its axes exchanged", GROUPS, '"-x+1/2,y"))', '"x,-y+1/2"))', OF_GROUPS),
    Mutant("setting: pg's glide along the other axis", GROUPS, '("-x,y+1/2",)', '("x+1/2,-y",)', OF_GROUPS),
    Mutant(
        "setting: p4g's mirrors through its four-fold axes",
        GROUPS,
        '"-x+1/2,y+1/2")),\n    (13',
        '"-x,y")),\n    (13',
        OF_GROUPS,
    ),
    Mutant(
        "setting: p3m1 and p31m exchanged",
        GROUPS,
        '"-y,x-y", "-y,-x")),\n    (15',
        '"-y,x-y", "y,x")),\n    (15',
        OF_GROUPS,
    ),
    Mutant(
        "origin: pgg's half-turn beside the origin",
        GROUPS,
        '("-x,-y", "-x+1/2,y+1/2")),\n    (9',
        '("-x+1/2,-y", "-x+1/2,y+1/2")),\n    (9',
        OF_GROUPS,
    ),
    Mutant("centring: cm is primitive", GROUPS, '(CENTRING, "-x,y")),', '("-x,y",)),', OF_GROUPS),
    Mutant(
        "decoder: images are not projected",
        VAE,
        "self.colour(project(self.fields(latent), group), latent)",
        "self.colour(self.fields(latent), latent)",
        "tests/models/test_vae.py",
    ),
    Mutant(
        "encoder: images are not pooled over their group",
        VAE,
        'project(image, group) if self.settings["symmetry_pooling"] else image',
        "image",
        "tests/models/test_vae.py",
    ),
    Mutant(
        "noise: the variance for the deviation", VAE, "(0.5 * logvar).exp()", "logvar.exp()", "tests/models/test_vae.py"
    ),
    Mutant(
        "field: source and target exchanged",
        "wallpaper/models/ode.py",
        "torch.cat([e_source, e_target], dim=-1)",
        "torch.cat([e_target, e_source], dim=-1)",
        "tests/models/test_ode.py",
    ),
    Mutant(
        "velocity: in the standardised latents' unit",
        "wallpaper/models/ode.py",
        "self.standardise(latents)) * self.latent_std",
        "self.standardise(latents))",
        "tests/models/test_ode.py",
    ),
    Mutant(
        "coupling: the way back is the way there",
        "wallpaper/training/couplings.py",
        "torch.where(backwards, chosen.flip(1), chosen)",
        "chosen",
        "tests/training/test_couplings.py",
    ),
    Mutant(
        "store: a history goes on one point too early",
        "dashboard/store/series.py",
        "self._token, self._kept = token, self._kept + len(points)",
        "self._token, self._kept = token, self._kept + len(points) - 1",
        "tests/dashboard/test_store.py",
    ),
    Mutant(
        "journal: what was sent is sent again",
        "wallpaper/delivery.py",
        "        self.journal.clear()\n        return True",
        "        return True",
        "tests/test_journal.py",
    ),
)


def outcome(tests: str, mutant: Mutant | None = None) -> int:
    """Pytest's exit code in a copy of the checkout, with the mistake in it.

    Raises: ValueError: the code to be made wrong is not there once.
    """
    with TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in PACKAGES:
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        for file in ROOT.glob("*"):
            if file.is_file():
                shutil.copy(file, copy)
        if mutant is not None:
            path = copy / mutant.file
            text = path.read_text(encoding="utf-8")
            if text.count(mutant.before) != 1:
                raise ValueError(
                    f"{mutant.file} must hold {mutant.before!r} once, but does {text.count(mutant.before)} times"
                )
            path.write_text(text.replace(mutant.before, mutant.after), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", tests]
        return subprocess.run(command, cwd=copy, capture_output=True, check=False).returncode


def judge(found: Findings, jobs: int) -> None:
    """All mistakes, several at a time."""
    suites = sorted({mutant.tests for mutant in MUTANTS})
    with ThreadPoolExecutor(jobs) as pool:
        sound = list(pool.map(outcome, suites))
        codes = list(pool.map(lambda mutant: outcome(mutant.tests, mutant), MUTANTS))
    words = {DONE: "pass", FAILED: "fail"}
    rows = [{"mistake": mutant.name, "tests": mutant.tests, "they": words.get(code, f"end with {code}")}
            for mutant, code in zip(MUTANTS, codes, strict=True)]  # fmt: skip
    found.table("The code made wrong, and what its tests say", rows)
    found.predict("without a mistake all tests pass", set(sound) == {DONE}, f"{sound.count(DONE)} of {len(sound)}")
    found.predict(
        "no mistake survives", set(codes) == {FAILED}, f"{len(codes) - codes.count(FAILED)} of {len(codes)} do"
    )


@click.command(context_settings={"show_default": True})
@click.option("--jobs", type=click.IntRange(1), default=2, help="Tests at the same time.")
@click.option("--json", "path", type=FILE, callback=checked_file, help="Also write all figures here.")
def main(jobs: int, path: Path | None) -> None:
    """Make the code wrong, one mistake at a time, and see whether its tests notice."""
    found = begin("python -m benchmarks.mutants", "cpu", 1)
    judge(found, jobs)
    sys.exit(found.close(path))


if __name__ == "__main__":
    main()
