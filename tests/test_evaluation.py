"""The evaluation on a tiny dataset: its figures computed again another way, and symmetry counted as it is."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tiny import SIDE, tiny_model
from wallpaper import evaluation
from wallpaper.data import PatternStore, generate_dataset
from wallpaper.evaluation import Evaluation, evaluate
from wallpaper.models.transition_model import TransitionModel
from wallpaper.models.vae import SymmetryVAE
from wallpaper.plane import GROUP_NAMES, Op, align

MODEL = tiny_model()

NAMES = {
    *("psnr_test", "psnr_train", "residual_decoded", "residual_decoded_uint8"),
    *("judged_decoded", "judged_first_frames", "judged_last_frames"),
    *("residual_first_frames", "residual_inner_frames", "residual_last_frames"),
    *("energy_distance", "energy_floor", "wasserstein2", "wasserstein2_floor", "wasserstein2_over_floor"),
    *("variance_ratio", "collapsed_pairs", "endpoint_error", "path_length", "curvature", "cycle_error", "nfe"),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> PatternStore:
    return generate_dataset(tmp_path_factory.mktemp("evaluation") / "patterns.h5", 10, side=SIDE, workers=1)


@pytest.fixture(scope="module")
def found(store: PatternStore) -> Evaluation:
    return evaluate(MODEL, store)


def test_symmetry_is_exact(found: Evaluation) -> None:
    exact = found.symmetry
    assert max(exact.decoded, exact.decoded_uint8) == 0
    assert max(exact.first_frames, exact.last_frames, exact.inner_frames) == 0
    assert exact.pairs == 272


@pytest.mark.parametrize("member", ["decoded", "first_frames", "last_frames", "inner_frames"])
def test_symmetry_that_is_not_exact_is_found(member: str, store: PatternStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each figure is seen above 0 where its own operations are another group's."""
    foreign = (Op.parse("x,y"), Op.parse("-y,x"), Op.parse("x+1/2,y"))
    if member == "decoded":
        plain = replace(MODEL, vae=_unprojected())
        assert evaluate(plain, store).symmetry.decoded > 1e-3
        return
    patched = {
        "first_frames": ("primitive_operations", lambda name: foreign),
        "last_frames": ("align", lambda source, target: _Foreign(align(source, target), target_operations=foreign)),
        "inner_frames": ("align", lambda source, target: _Foreign(align(source, target), common=foreign)),
    }[member]
    monkeypatch.setattr(evaluation, *patched)
    symmetry = evaluate(MODEL, store).symmetry
    assert getattr(symmetry, member) > 1e-3
    assert symmetry.decoded == 0


def test_the_judge_counts_what_has_exactly_its_group(store: PatternStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each figure is the judge's, not the projection's: told that all is p2 it drops to p2's share."""
    judged = evaluate(MODEL, store).judged
    assert all(0 <= share <= 1 for share in (judged.decoded, judged.first_frames, judged.last_frames))
    monkeypatch.setattr(evaluation, "identify", lambda pixels, lattice: _Named("p2"))
    told = evaluate(MODEL, store).judged
    assert told.decoded == pytest.approx(1 / 17, abs=0.02)
    assert told.first_frames == pytest.approx(1 / 17)
    assert told.last_frames == pytest.approx(16 / 272)


def test_metrics_are_flat_and_finite(found: Evaluation) -> None:
    metrics = found.metrics()
    assert set(metrics) == {f"eval/{name}" for name in NAMES}
    assert all(isinstance(value, float) and math.isfinite(value) for value in metrics.values())
    assert metrics["eval/wasserstein2_over_floor"] == pytest.approx(
        metrics["eval/wasserstein2"] / metrics["eval/wasserstein2_floor"]
    )
    assert metrics["eval/collapsed_pairs"] == sum(row.variance_ratio < 0.5 for row in found.transport)


def test_everything_is_plain_data(found: Evaluation) -> None:
    again = json.loads(json.dumps(found.to_mapping(), allow_nan=False))
    assert again["metrics"] == found.metrics()
    assert len(again["transport"]) == 272
    assert {(row["source"], row["target"]) for row in again["transport"]} == {
        (s, t) for s in range(17) for t in range(17) if s != t
    }
    assert [each["split"] for each in again["reconstructions"]] == ["test", "train"]
    assert list(again["reconstructions"][0]["psnr_by_group"]) == list(GROUP_NAMES)


def test_psnr_agrees_with_one_computed_pattern_by_pattern(found: Evaluation, store: PatternStore) -> None:
    errors: dict[str, list[float]] = {name: [] for name in GROUP_NAMES}
    for index in store.splits["test"]:
        pixels, group = store.pixels(int(index)), torch.tensor([int(store.labels[index])])
        image = torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)[None]
        with torch.no_grad():
            decoded = MODEL.vae.decode(MODEL.vae.encode(image, group)[0], group)
        errors[GROUP_NAMES[int(group)]].append(float(((decoded - image) ** 2).mean()))
    (test, _) = found.reconstructions
    for name, values in errors.items():
        assert len(values) == 2
        assert test.psnr_by_group[name] == pytest.approx(10 * np.log10(1 / np.mean(values)), abs=1e-3)
    assert test.psnr == pytest.approx(10 * np.log10(1 / np.mean(list(errors.values()))), abs=1e-3)


def test_another_split_and_progress(store: PatternStore) -> None:
    moves: list[tuple[int, int]] = []
    found = evaluate(MODEL, store, split="val", progress=lambda done, total: moves.append((done, total)))
    assert moves == [(done, 272) for done in range(1, 273)]
    assert {"eval/psnr_val", "eval/psnr_train"} <= set(found.metrics())
    assert evaluate(MODEL, store, split="val") == found, "the same figures again"


def test_too_few_patterns_are_refused_before_anything_is_computed(tmp_path: Path) -> None:
    few = generate_dataset(tmp_path / "few.h5", 3, side=SIDE, workers=1)
    with pytest.raises(ValueError, match=r"the test split of .*few\.h5 must hold at least two patterns .* of p1, p2"):
        evaluate(MODEL, few, progress=lambda done, total: pytest.fail("computed"))


def test_a_dataset_of_smaller_patterns_is_refused(store: PatternStore) -> None:
    with torch.random.fork_rng():
        large = SymmetryVAE(resolution=64, latent_dim=4, hidden_dims=(8, 16, 16))
    with pytest.raises(ValueError, match=r"side"):
        evaluate(TransitionModel(large, MODEL.ode), store)


@dataclass
class _Named:
    """A certificate as far as the evaluation reads it."""

    group: str


class _Foreign:
    """An alignment with some of its operations replaced."""

    def __init__(self, base: object, **changes: object) -> None:
        self._base, self._changes = base, changes

    def __getattr__(self, name: str) -> object:
        return self._changes[name] if name in self._changes else getattr(self._base, name)


def _unprojected() -> SymmetryVAE:
    vae = tiny_model().vae
    vae.decode = lambda latent, group: vae.decode_plain(latent)  # type: ignore[method-assign]
    return vae
