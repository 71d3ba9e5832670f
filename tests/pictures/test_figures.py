"""Figures: what is drawn is what was given, in the right place; no global matplotlib state."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from wallpaper.pictures import BY_ROTATION
from wallpaper.pictures.figures import (
    PrincipalPlane,
    contact_sheet,
    figure_pixels,
    latent_scatter,
    loss_curves,
    pair_heatmap,
    reconstruction_grid,
    save_figure,
    trajectory_plot,
    transition_matrix,
)
from wallpaper.plane import GROUP_NAMES, Lattice, plane_group

RNG = np.random.default_rng(0)
LATENTS = RNG.normal(size=(170, 5)).astype(np.float32)
LABELS = np.repeat(np.arange(17), 10)
HISTORY = [
    {"epoch": k, "train/loss": 1 / k, "val/loss": 1 / k + 0.01 * k, "train/kl": 2.0, "learning_rate": 1e-3, "note": "x"}
    for k in range(1, 21)
]


def patterns(count: int = 17) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 16, 16, 3), dtype=np.uint8)


def standard(name: str) -> Lattice:
    return Lattice.standard(plane_group(name).system)


def test_figures_use_no_pyplot():
    code = "import sys, wallpaper.pictures.figures; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_principal_axes_of_a_plane_in_space_find_it():
    flat = RNG.normal(size=(400, 2)) * (3, 1)
    frame, _ = np.linalg.qr(RNG.normal(size=(6, 6)))
    plane = PrincipalPlane.of(flat @ frame[:, :2].T + 7)
    np.testing.assert_allclose(plane.axes.T @ plane.axes, np.eye(2), atol=1e-12)
    centred = flat - flat.mean(axis=0)
    distances = np.linalg.norm(plane.project(flat @ frame[:, :2].T + 7), axis=1)
    np.testing.assert_allclose(distances, np.linalg.norm(centred, axis=1), atol=1e-9)
    assert plane.explained is not None
    np.testing.assert_allclose(
        plane.explained, np.sort(np.linalg.eigvalsh(np.cov(flat.T)))[::-1] / np.cov(flat.T).trace()
    )


@pytest.mark.parametrize("dimension", [1, 2])
def test_one_or_two_dimensions_are_drawn_as_they_are(dimension):
    latents = RNG.normal(size=(9, dimension))
    drawn = PrincipalPlane.of(latents).project(latents)
    np.testing.assert_array_equal(drawn[:, :dimension], latents)
    assert PrincipalPlane.of(latents).labels == ("z1", "z2")


def test_a_third_axis_lies_across_the_plane_and_tells_less():
    latents = RNG.normal(size=(400, 6)) * (5, 4, 3, 1, 1, 1)
    plane, space = PrincipalPlane.of(latents), PrincipalPlane.of(latents, 3)
    np.testing.assert_allclose(space.axes.T @ space.axes, np.eye(3), atol=1e-12)
    np.testing.assert_array_equal(space.project(latents)[:, :2], plane.project(latents))
    assert space.explained is not None
    assert plane.explained == space.explained[:2]
    assert 0 < space.explained[2] < space.explained[1]
    assert [label.split(" (")[0] for label in space.labels] == [f"principal axis {k}" for k in (1, 2, 3)]
    assert PrincipalPlane.of(latents[:, :2], 3).labels == ("z1", "z2")
    assert PrincipalPlane.of(np.ones((1, 4)), 3).explained == (0.0, 0.0, 0.0)


def test_the_plane_of_one_point_is_defined():
    assert PrincipalPlane.of(np.ones((1, 4))).explained == (0.0, 0.0)


def test_the_scatter_shows_all_groups_and_trajectories():
    figure = latent_scatter(LATENTS, LABELS, trajectories=[LATENTS[:8], LATENTS[8:16]])
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(BY_ROTATION)
    assert sum(len(each.get_offsets()) for each in axes.collections) == len(LATENTS)
    assert len(axes.get_lines()) == 2 * 3
    assert "principal axis 1" in axes.get_xlabel()


def test_the_trajectory_plot_states_its_facts():
    figure = trajectory_plot(
        LATENTS[:10], np.linspace(0, 1, 10), source="p1", target="p6m", length=2.5, nfe=44, cloud=(LATENTS, LABELS)
    )
    assert figure.axes[0].get_title(loc="left") == "p1 → p6m  ·  length 2.5  ·  44 evaluations"
    assert figure_pixels(figure).std() > 5
    trajectory_plot(LATENTS[:10, :2], np.linspace(0, 1, 10), source="p1", target="p2")


def test_the_loss_curves_mark_the_best_epoch():
    figure = loss_curves(HISTORY)
    star = next(line for line in figure.axes[0].get_lines() if line.get_marker() == "*")
    assert star.get_xdata()[0] == 10
    assert [line.get_label() for line in figure.axes[2].get_lines()] == ["kl"]
    np.testing.assert_allclose(figure.axes[0].get_lines()[0].get_ydata(), [row["train/loss"] for row in HISTORY])


def test_the_loss_curves_bear_one_epoch_gaps_and_missing_names():
    figure_pixels(loss_curves([{"train/loss": 0.5}]))
    figure_pixels(
        loss_curves([{"train/loss": -0.5}, {"train/loss": float("nan"), "val/loss": None}, {"val/loss": 1.0}])
    )


def test_the_heatmap_orders_pairs_by_rotation():
    values = np.arange(17 * 17, dtype=float).reshape(17, 17)
    values[3, 4] = np.nan
    axes = pair_heatmap(values, "Endpoint error").axes[0]
    shown = axes.images[0].get_array()
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert rows == list(BY_ROTATION)
    source, target = plane_group("p6m").index, plane_group("p2").index
    assert shown[rows.index("p6m"), rows.index("p2")] == values[source, target]
    assert np.ma.getmaskarray(shown).sum() == 1
    figure_pixels(pair_heatmap(np.full((17, 17), np.nan), "Empty"))
    figure_pixels(pair_heatmap(values, "Log", log=True))


def test_the_matrix_puts_each_pair_in_its_place():
    pictures = {("p1", "p6m"): np.full((12, 12, 3), 200, np.uint8), ("p4", "pm"): np.full((12, 12, 3), 90, np.uint8)}
    sheet = transition_matrix(pictures).axes[0].images[0].get_array()
    step = 12 + 2
    assert sheet.shape == (17 * step - 2, 17 * step - 2, 3)
    for (source, target), picture in pictures.items():
        row, column = BY_ROTATION.index(source) * step, BY_ROTATION.index(target) * step
        np.testing.assert_array_equal(sheet[row : row + 12, column : column + 12], picture)
    stacked = np.arange(17 * 17, dtype=np.int64).reshape(17, 17, 1, 1, 1) % 251 * np.ones((4, 4, 3), np.int64)
    sheet = transition_matrix(stacked.astype(np.uint8), names=GROUP_NAMES).axes[0].images[0].get_array()
    assert sheet[2 * 6, 5 * 6, 0] == 2 * 17 + 5


def test_the_reconstruction_grid_shows_error_and_quality():
    originals = patterns(4)
    copies = originals.copy()
    copies[0] = 255 - copies[0]
    names = ("p1", "p2", "p4", "p6")
    figure = reconstruction_grid(originals, copies.astype(np.float32) / 255, names, [standard(name) for name in names])
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    psnr = 10 * np.log10(1 / np.mean(((255 - 2.0 * originals[0]) / 255) ** 2))
    assert f"{psnr:.1f} dB" in texts
    assert "120.0 dB" in texts
    assert set(names) <= set(texts)
    first, second = figure.axes[0].images[0].get_array(), figure.axes[1].images[0].get_array()
    assert first[:128, 268:].mean() > 60  # wrong everywhere
    assert second[:128, 268:].mean() < 15  # nowhere
    assert figure_pixels(figure).std() > 5


def test_the_contact_sheet_has_a_row_for_each_group():
    samples = {name: [(pattern, standard(name))] * 2 for name, pattern in zip(GROUP_NAMES, patterns(), strict=True)}
    samples["p1"] = samples["p1"][:1]
    axes = contact_sheet(samples, size=32).axes[0]
    assert axes.images[0].get_array().shape == (17 * 38 - 6, 2 * 38 - 6, 3)
    assert [text.get_text() for text in axes.texts] == list(GROUP_NAMES)


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_figures_are_saved_whole(tmp_path, suffix):
    path = tmp_path / "deep" / f"loss.{suffix}"
    save_figure(path, loss_curves(HISTORY))
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    if suffix == "png":
        with Image.open(path) as image:
            assert image.width == 1650
    with pytest.raises(ValueError, match="exe"):
        save_figure(tmp_path / "a.exe", loss_curves(HISTORY))
    assert [each.name for each in tmp_path.iterdir()] == ["deep"]


def test_errors_say_what_must_hold():
    with pytest.raises(ValueError, match=r"finite and \(N, d\)"):
        PrincipalPlane.of(np.full((3, 2), np.nan))
    with pytest.raises(ValueError, match=r"`labels` must be \(N,\).*\(4,\)"):
        latent_scatter(LATENTS, LABELS[:4])
    with pytest.raises(ValueError, match=r"0..16, but got 17..17"):
        latent_scatter(LATENTS[:1], np.array([17]))
    with pytest.raises(ValueError, match=r"times \(T,\)"):
        trajectory_plot(LATENTS[:3], np.zeros(2), source="p1", target="p2")
    with pytest.raises(ValueError, match=r"'train/loss' in some epoch.*val/loss"):
        loss_curves([{"val/loss": 1.0}])
    with pytest.raises(ValueError, match=r"\(17, 17\), but got \(3, 3\)"):
        pair_heatmap(np.zeros((3, 3)), "")
    with pytest.raises(ValueError, match=r"\(17, 17, h, w, 3\), but got \(2, 2, 4, 4, 3\)"):
        transition_matrix(np.zeros((2, 2, 4, 4, 3), np.uint8))
    with pytest.raises(ValueError, match=r"wallpaper groups, but got \['p5'\]"):
        transition_matrix({("p1", "p5"): np.zeros((4, 4, 3), np.uint8)})
    with pytest.raises(ValueError, match=r"as many originals.*\[1, 1, 2, 1\]"):
        reconstruction_grid(patterns(1), patterns(1), ["p1", "p2"], [standard("p1")])
    with pytest.raises(ValueError, match="at least one sample"):
        contact_sheet({"p1": []})
