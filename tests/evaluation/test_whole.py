"""The evaluation on a tiny dataset: its figures computed again another way, and what comes out of it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from tests.evaluation.conftest import NEVER_TRAINED
from tests.tiny import LATENT, SIDE
from wallpaper.data import PatternStore, generate_dataset
from wallpaper.data.splits import save_splits
from wallpaper.evaluation import Evaluation, evaluate, evaluate_vae
from wallpaper.evaluation.whole import Evaluation as Whole
from wallpaper.models.transition_model import TransitionModel
from wallpaper.models.vae import SymmetryVAE
from wallpaper.plane import GROUP_NAMES

QUALITY = (
    *("psnr", "psnr_mean", "ssim", "kl", "active_dimensions", "spectrum_distance"),
    *("linear_psnr", "linear_projected_psnr", "over_linear"),
)
VAE_NAMES = {
    *(f"{name}_{kind}" for name in QUALITY for kind in ("test", "train", "gap")),
    *("linear_size", "invariance", "invariance_noise", "origin_shift_change", "axis_change_change"),
    *("residual_decoded", "residual_decoded_uint8", "judged_decoded", "targets", "targets_met"),
}
FIELD_NAMES = {
    *("judged_first_frames", "judged_last_frames"),
    *("residual_first_frames", "residual_inner_frames", "residual_last_frames"),
    *("energy_distance", "energy_floor", "energy_distance_over_floor", "wasserstein2", "wasserstein2_floor"),
    *("wasserstein2_over_floor", "wasserstein2_over_floor_worst", "variance_ratio", "variance_ratio_floor"),
    *("variance_ratio_worst", "variance_outside", "variance_outside_floor", "collapsed_pairs", "pairs"),
    *("endpoint_error", "path_length", "curvature", "curvature_worst", "cycle_error", "cycle_error_worst", "nfe"),
    *("adaptive_wasserstein2", "adaptive_nfe", "fixed_steps_change"),
    *("withheld_noise", "withheld_judged", "withheld_judged_control", "withheld_classified", "withheld_chance"),
    *("withheld_classified_control", "withheld_classified_worst"),
}
APART = ("pairs", "wasserstein2_over_floor", "energy_distance_over_floor", "variance_ratio", "collapsed_pairs")
APART_NAMES = {
    f"{part}/{name}" for part in ("never_trained", "trained") for name in (*APART, "curvature", "classified")
}


def test_metrics_are_flat_and_finite(found: Evaluation) -> None:
    metrics = found.metrics()
    groups = {f"eval_groups/{name}/{group}" for name in QUALITY for group in GROUP_NAMES}
    assert set(metrics) == groups | {f"eval/{name}" for name in VAE_NAMES | FIELD_NAMES | APART_NAMES}
    assert all(isinstance(value, float) and math.isfinite(value) for value in metrics.values())
    assert metrics["eval/wasserstein2_over_floor"] == pytest.approx(
        metrics["eval/wasserstein2"] / metrics["eval/wasserstein2_floor"]
    )
    assert metrics["eval/psnr_gap"] == pytest.approx(metrics["eval/psnr_train"] - metrics["eval/psnr_test"])
    assert metrics["eval/never_trained/pairs"] == len(NEVER_TRAINED)
    assert metrics["eval/targets"] == len(found.targets())


def test_symmetry_is_exact_and_mu_invariant(found: Evaluation) -> None:
    metrics = found.metrics()
    assert all(metrics[name] == 0 for name in metrics if name.startswith("eval/residual"))
    assert metrics["eval/invariance_noise"] <= 1e-5


def test_everything_is_plain_data(found: Evaluation) -> None:
    again = json.loads(json.dumps(found.to_mapping(), allow_nan=False))
    assert again["metrics"] == found.metrics()
    rows = again["field"]["transport"]["pairs"]
    assert {(row["source"], row["target"]) for row in rows} == {(s, t) for s in range(17) for t in range(17) if s != t}
    assert len(again["field"]["withheld"]["classified_pairs"]) == 272
    assert [each["split"] for each in again["vae"]["quality"]] == ["test", "train"]
    assert list(again["vae"]["quality"][0]["by_group"]) == list(GROUP_NAMES)
    assert {each["name"]: each["met"] for each in again["targets"]}["residual_last_frames"] is True


def decoded(model: TransitionModel, store: PatternStore, split: str) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Group, original and reconstruction of each pattern, one by one."""
    for index in store.splits[split]:
        group = torch.tensor([int(store.labels[index])])
        image = torch.from_numpy(store.pixels(int(index)).astype(np.float32) / 255).permute(2, 0, 1)[None]
        with torch.no_grad():
            found = model.vae.decode(model.vae.encode(image, group)[0], group)
        yield GROUP_NAMES[int(group)], image.numpy(), found.numpy()


def test_psnr_agrees_with_one_computed_pattern_by_pattern(
    found: Evaluation, model: TransitionModel, store: PatternStore
) -> None:
    errors: dict[str, list[float]] = {name: [] for name in GROUP_NAMES}
    for name, original, ours in decoded(model, store, "test"):
        errors[name].append(float(((ours - original) ** 2).mean()))
    (test, _) = found.vae.quality
    everything = np.concatenate(list(errors.values()))
    assert test.patterns == len(everything) == len(store.splits["test"])
    for name, values in errors.items():
        assert test.by_group[name].psnr == pytest.approx(10 * np.log10(1 / np.mean(values)), abs=1e-3)
    assert test.overall.psnr == pytest.approx(10 * np.log10(1 / everything.mean()), abs=1e-3)
    assert test.overall.psnr_mean == pytest.approx(np.mean(10 * np.log10(1 / everything)), abs=1e-3)


def test_the_linear_code_is_scikit_learn_s(found: Evaluation, store: PatternStore) -> None:
    train, test = (store.batch(store.splits[name]).flatten(1).numpy() for name in ("train", "test"))
    pca = PCA(LATENT, svd_solver="full").fit(train)
    error = np.square(pca.inverse_transform(pca.transform(test)) - test).mean()
    quality = found.vae.quality[0].overall
    assert found.vae.linear_size == LATENT
    assert quality.linear_psnr == pytest.approx(10 * np.log10(1 / error), abs=0.01)
    assert quality.linear_projected_psnr > quality.linear_psnr, "a projection takes error away"
    assert quality.over_linear == pytest.approx(quality.psnr - quality.linear_psnr)


def test_kl_is_that_of_torch_s_distributions(found: Evaluation, model: TransitionModel, store: PatternStore) -> None:
    rows = store.splits["test"]
    with torch.no_grad():
        mean, logvar = model.vae.encode(store.batch(rows), torch.from_numpy(store.labels[rows]))
    code = torch.distributions.Normal(mean, (0.5 * logvar).exp())
    expected = torch.distributions.kl_divergence(code, torch.distributions.Normal(0.0, 1.0)).sum(1).mean()
    assert found.vae.quality[0].overall.kl == pytest.approx(float(expected), rel=1e-4)


def test_the_same_figures_again_and_progress(found: Evaluation, model: TransitionModel, store: PatternStore) -> None:
    moves: list[tuple[int, int]] = []
    again = evaluate(
        model, store, never_trained=NEVER_TRAINED, progress=lambda done, total: moves.append((done, total))
    )
    assert again == found
    assert {total for _, total in moves} == {100}
    percents = [done for done, _ in moves]
    assert percents == sorted(set(percents))
    assert percents[-1] == 100
    assert len(percents) > 40, "no part is silent for long"


def test_another_split(found: Evaluation, model: TransitionModel, store: PatternStore) -> None:
    other = evaluate_vae(model.vae, store, split="val")
    assert {"eval/psnr_val", "eval/psnr_train"} <= set(other.metrics())
    assert other.vae.quality[1] == found.vae.quality[1]
    assert other.vae.quality[0] != found.vae.quality[0]


def test_a_vae_alone_has_the_same_figures(found: Evaluation, model: TransitionModel, store: PatternStore) -> None:
    moves: list[int] = []
    alone = evaluate_vae(model.vae, store, progress=lambda done, total: moves.append(done))
    assert moves[-1] == 100
    assert alone == Whole(replace(found.vae), None)
    assert {name for name in alone.metrics() if not name.startswith("eval_groups/")} == {
        f"eval/{name}" for name in VAE_NAMES
    }


def test_too_few_patterns_are_refused_before_anything_is_computed(tmp_path: Path, model: TransitionModel) -> None:
    few = generate_dataset(tmp_path / "few.h5", 3, side=SIDE, workers=1)
    for split, other in (("test", "val"), ("val", "test")):
        with pytest.raises(
            ValueError, match=rf"the ({split}|{other}) split of .*few\.h5 must hold at least two .* of p1, p2"
        ):
            evaluate(model, few, split=split, progress=lambda done, total: pytest.fail("computed"))


def of_one_group(path: Path, store: PatternStore, group: int) -> PatternStore:
    """The store's patterns of a group, as a file of another tool."""
    rows = [int(row) for row in np.flatnonzero(store.labels == group)]
    with h5py.File(path, "w") as file:
        file["patterns"] = np.stack([store.pixels(row) for row in rows])
        file["labels"] = np.full(len(rows), group)
        file["group_names"] = np.array(GROUP_NAMES, dtype="S4")
    alone = PatternStore(path)
    thirds = np.array_split(np.arange(len(rows)), 3)
    save_splits(
        path.parent / "splits.npz", dict(zip(("train", "val", "test"), thirds, strict=True)), digest=alone.digest
    )
    return alone


def test_one_group_alone_has_no_transitions(tmp_path: Path, store: PatternStore, model: TransitionModel) -> None:
    """But a VAE on it can be measured; p6m is its own normaliser, so nothing moves its patterns."""
    alone = of_one_group(tmp_path / "alone.h5", store, GROUP_NAMES.index("p6m"))
    with pytest.raises(ValueError, match=r"alone\.h5 must hold patterns of two groups at least"):
        evaluate(model, alone)
    figures = evaluate_vae(model.vae, alone).figures()
    assert figures["origin_shift_change"] == figures["axis_change_change"] == 0
    assert figures["residual_decoded"] == 0


def test_a_dataset_of_smaller_patterns_is_refused(store: PatternStore, model: TransitionModel) -> None:
    with torch.random.fork_rng():
        large = SymmetryVAE(resolution=64, latent_dim=4, hidden_dims=(8, 16, 16))
    with pytest.raises(ValueError, match=r"side"):
        evaluate(TransitionModel(large, model.ode), store)


def test_a_vae_that_has_blown_up_is_named(store: PatternStore) -> None:
    with torch.random.fork_rng():
        broken = SymmetryVAE(resolution=SIDE, latent_dim=4, hidden_dims=(8, 16, 16)).eval()
    with torch.no_grad():
        broken.mean_head[-1].bias.fill_(torch.nan)  # type: ignore[operator,union-attr]
    with pytest.raises(ValueError, match=r"latent means must be finite, but are not for pattern \d+; train it again"):
        evaluate_vae(broken, store)
