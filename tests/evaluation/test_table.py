from __future__ import annotations

import re
from dataclasses import replace

from wallpaper.evaluation import Evaluation, table
from wallpaper.evaluation.table import MET, MISSED
from wallpaper.plane import GROUP_NAMES


def line(text: str, label: str) -> str:
    (found,) = [each for each in text.splitlines() if each.strip().startswith(label)]
    return found


def test_every_section_and_group_is_there(found: Evaluation) -> None:
    text = table(found)
    titles = [each.split("  ")[0] for each in text.splitlines() if re.match(r"\w", each)]
    ours, train = found.vae.quality
    assert titles[0] == f"VAE, {ours.patterns} test and {train.patterns} train patterns"
    assert titles[1:-1] == [
        "VAE by group, test",
        "Symmetry",
        "Transport, 272 ordered pairs",
        "Pairs never trained",
        "Group at the end, %",
    ]
    assert all(line(text, f"{group} ") for group in GROUP_NAMES)
    assert "VAE by group" not in table(found, by_group=False)
    assert max(map(len, text.splitlines())) <= 125


def test_figures_stand_beside_targets_and_marks(found: Evaluation) -> None:
    text, figures = table(found), found.figures()
    psnr = line(text, "PSNR of the mean squared error")
    assert f"{figures['psnr_test']:.2f}" in psnr
    assert f"{figures['psnr_gap']:+.2f}" in psnr
    assert re.search(rf">= 25 +{MISSED}$", psnr)
    given = figures["judged_last_frames"]
    assert re.search(rf" {100 * given:.1f} +>= 99 +{MET if given >= 0.99 else MISSED}$", line(text, "label given"))
    assert re.search(rf"^  residual of decoded images +0 +0 +{MET}$", text, re.MULTILINE)
    reached = found.targets()
    assert text.splitlines()[-1] == f"Targets met: {sum(each.met for each in reached)} of {len(reached)}"
    assert text.count(MISSED) == sum(not each.met for each in reached)


def test_worst_pairs_are_named(found: Evaluation) -> None:
    assert found.field is not None
    row = max(found.field.transport.pairs, key=lambda each: each.curvature)
    expected = f"worst {row.curvature:.3f}: {GROUP_NAMES[row.source]} to {GROUP_NAMES[row.target]}"
    assert expected in table(found)


def test_a_vae_alone_and_no_solution(found: Evaluation) -> None:
    assert "Transport" not in table(Evaluation(found.vae, None))
    field = found.field
    assert field is not None
    unsolved = replace(field, transport=replace(field.transport, adaptive_wasserstein2=None, adaptive_nfe=None))
    text = table(Evaluation(found.vae, unsolved))
    assert re.search(rf"W2 of fixed steps off dopri5's, % +<= 1 +{MISSED}$", line(text, "W2 of fixed"))
