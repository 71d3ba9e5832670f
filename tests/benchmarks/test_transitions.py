"""The benchmark of transitions: it judges what it should, agrees with the library, and fails when symmetry does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from benchmarks import transitions
from benchmarks.transitions import blended, main
from tests.tiny import tiny_model
from wallpaper.plane import plane_group
from wallpaper.plane.routes import plan_route
from wallpaper.symmetry import residuals


@pytest.mark.parametrize(("source", "target", "kind"), [("cm", "p31m", "direct"), ("pm", "p4", "widest")])
def test_frames_have_the_planned_operations(source: str, target: str, kind: str) -> None:
    route = plan_route(source, target, kind)
    frames = list(blended(route, 0, 32))
    assert [frame.time for frame in frames] == [k / 8 for k in range(9)]
    assert (frames[0].planned, frames[-1].planned) == (source, target)
    for frame in frames:
        leg = route.legs[min(int(frame.time * len(route.legs)), len(route.legs) - 1)]
        assert residuals(frame.pixels.transpose(2, 0, 1), leg.common).max() < 1e-6
    assert frames[0].lattice.area == pytest.approx(frames[-1].lattice.area)
    assert len({frame.planned for frame in frames} - set(route.groups)) <= len(route.legs)


def test_a_few_pairs_pass() -> None:
    result = CliRunner().invoke(main, ["--every", "90", "--side", "32"])
    assert "4 pairs, 36 frames, 0 failures" in result.output
    assert result.exit_code == 0, result.output


def test_a_model_s_frames_are_judged(tmp_path: Path) -> None:
    tiny_model("palette").save(tmp_path)
    result = CliRunner().invoke(main, ["--every", "270", "--model", str(tmp_path)])
    assert "2 pairs, 18 frames, " in result.output  # an untrained model's p1 may be almost p2


def test_frames_without_their_symmetry_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def shifted(image: torch.Tensor, group: str, _frame: object) -> torch.Tensor:
        """Another pattern's symmetry: nothing that the alignment planned."""
        return image if plane_group(group).order == 1 else torch.rand(image.shape)

    monkeypatch.setattr(transitions, "on_common_cell", shifted)
    result = CliRunner().invoke(main, ["--every", "200", "--side", "32"])
    assert result.exit_code == 1
    assert ": planned p" in result.output
