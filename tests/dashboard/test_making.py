"""What the dashboard makes: starts from pictures, transitions kept by token, files, models, the atlas."""

from __future__ import annotations

import io
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchdiffeq import odeint

from dashboard.making import Maker, Wanted, lengths, read_start
from dashboard.making import transitions as making
from dashboard.making.atlas import OPERATIONS, check, picture
from dashboard.making.files import KINDS
from dashboard.making.maker import MOST_KEPT
from tests.tiny import SIDE, tiny_model
from wallpaper.data.samples import Samples
from wallpaper.models.transition_model import TransitionModel
from wallpaper.patterns import generate_pattern
from wallpaper.pictures.render import render
from wallpaper.plane import GROUP_NAMES, plane_group
from wallpaper.training.projected import projected
from wallpaper.transition import transition

FRAMES = 7


def png(array: np.ndarray[Any, Any]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def tiles() -> bytes:
    """A picture of p4m, turned."""
    pattern = generate_pattern("p4m", 5, 96)
    return png(render(pattern.pixels, pattern.lattice, size=300, cells=3.0, rotation=17))


class Shelf:
    """Models that are asked for are counted."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def get(self, key: str) -> Any:
        self.asked.append(key)
        return tiny_model()

    def samples(self, key: str) -> Samples | None:
        return Samples.generated(SIDE, 1) if key == "named/1" else None


@pytest.fixture
def maker(monkeypatch: pytest.MonkeyPatch) -> Maker:
    monkeypatch.setattr(making, "FRAMES", FRAMES)
    found = Maker(SimpleNamespace())  # type: ignore[arg-type] - nothing is asked of the store
    found.models = Shelf()  # type: ignore[assignment]
    return found


def test_a_picture_is_a_start_with_its_certificate_in_words(tiles: bytes) -> None:
    start = read_start(tiles, 32)
    assert start.group == "p4m"
    assert start.cell.shape == (32, 32, 3)
    assert start.lattice.area == pytest.approx(1)
    assert start.words.startswith("This is p4m (p4mm, orbifold *442), with a certainty above 99.9 %.")
    assert "100.0 by 100.0 pixels at 90.0°" in start.words


def test_files_of_starts_are_kept_up_to_a_bound(tiles: bytes, maker: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    start = read_start(tiles, 32)
    first, second = replace(start, content=tiles + b"1"), replace(start, content=tiles + b"2")
    monkeypatch.setitem(Maker.add.__globals__, "MOST_START_BYTES", len(tiles) + 99)
    maker.add(first)
    maker.add(second)
    with pytest.raises(ValueError, match="give it again"):
        maker.make(Wanted("p4m", "p2", picture=first.digest))
    maker.make(Wanted("p4m", "p2", picture=second.digest))


def test_a_transition_is_made_once_and_ends_exactly_at_its_groups(maker: Maker) -> None:
    wanted = Wanted("p2", "p4", seed=3)
    token = maker.make(wanted)
    assert maker.make(Wanted("p2", "p4", seed=3)) == token
    assert maker.models.asked == ["shipped"]  # type: ignore[attr-defined]
    made = maker.made(token)
    assert made is not None
    told = making.about(made)
    assert told["groups"][0] == "p2"
    assert told["groups"][-1] == "p4"
    assert len(made.frames) == len(told["bases"]) == len(told["lattices"]) == FRAMES
    with Image.open(io.BytesIO(made.frames[0])) as frame:
        assert (frame.format, frame.size) == ("JPEG", (told["size"], told["size"]))


def test_tokens_differ_by_what_is_wanted_and_by_process(maker: Maker) -> None:
    one, other = Wanted("p2", "p4"), Wanted("p2", "p4", seed=1)
    assert maker.token(one) != maker.token(other)
    assert maker.token(one) != Maker(SimpleNamespace()).token(one)  # type: ignore[arg-type]


def test_only_the_last_transitions_are_kept(maker: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    # Of the module as it was imported here.
    monkeypatch.setitem(Maker.make.__globals__, "make", lambda _model, wanted, _start: wanted)
    tokens = [maker.make(Wanted("p2", "p4", seed=seed)) for seed in range(MOST_KEPT + 1)]
    assert [maker.made(token) is not None for token in tokens] == [False, *[True] * MOST_KEPT]


def test_the_same_group_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="both are p4"):
        Wanted("p4", "p4")


def test_a_start_that_is_not_kept_is_refused(maker: Maker) -> None:
    with pytest.raises(ValueError, match="is not any more"):
        maker.make(Wanted("p2", "p4", picture="00"))


def test_a_transition_starts_at_the_picture_for_any_resolution(maker: Maker, tiles: bytes) -> None:
    start = read_start(tiles, 64)  # the model has 32 samples
    maker.add(start)
    made = maker.made(maker.make(Wanted("p4m", "p2", picture=start.digest)))
    assert made is not None
    assert made.result.frames.shape[-1] == 32
    assert made.result.lattices[0].meets("square")


def test_a_transition_starts_at_exactly_the_sample(maker: Maker) -> None:
    wanted = Wanted("cmm", "p2", model="named/1", sample="cmm-0")
    made = maker.made(maker.make(wanted))
    sample = Samples.generated(SIDE, 1).by_id["cmm-0"]
    assert made is not None
    image = torch.from_numpy(sample.pixels).permute(2, 0, 1).float() / 255
    expected = transition(tiny_model(), image, "cmm", "p2", lattice=sample.lattice, n_frames=FRAMES)
    torch.testing.assert_close(made.result.frames, expected.frames, rtol=0, atol=0)
    assert made.result.lattices == expected.lattices


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (Wanted("cmm", "p2", model="shipped", sample="cmm-0"), "no sample cmm-0 is packed with this model"),
        (Wanted("cmm", "p2", model="named/1", sample="cmm-1"), "no sample cmm-1 is packed with this model"),
        (Wanted("p4", "p2", model="named/1", sample="cmm-0"), "`source` must be cmm"),
    ],
)
def test_a_sample_that_is_not_there_or_of_another_group_is_refused(maker: Maker, wanted: Wanted, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        maker.make(wanted)


def test_every_file_can_be_opened(maker: Maker) -> None:
    token = maker.make(Wanted("p2", "p4"))
    found = {kind: maker.file(token, kind, FRAMES - 1) for kind in KINDS}
    for kind, content in found.items():
        assert content is not None
        if kind.endswith((".gif", ".png")):
            with Image.open(io.BytesIO(content)) as opened:
                assert opened.format == kind[-3:].upper()
                assert getattr(opened, "n_frames", 1) == (FRAMES if kind.endswith("gif") else 1)
    assert found["movie.mp4"] is not None
    assert found["movie.mp4"][4:8] == b"ftyp"
    assert found["tile.svg"] is not None
    assert found["tile.svg"].startswith(b"<svg")
    assert maker.file("unknown", "movie.gif", 0) is None
    with pytest.raises(ValueError, match=r"movie\.exe"):
        maker.file(token, "movie.exe", 0)


def test_lengths_are_those_of_the_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model()
    found = lengths.measure(model, 2)
    pattern = generate_pattern("pm", 2, model.resolution)
    start = lengths.encode(model, torch.from_numpy(pattern.pixels).permute(2, 0, 1).float() / 255, "pm")
    pair = [torch.tensor([GROUP_NAMES.index(name)]) for name in ("pm", "p6")]
    moments = torch.linspace(0, 1, lengths.TIMES)
    with torch.no_grad():
        path = model.ode.solve(
            start[None], *pair, moments, solver=lengths.LATENT_SOLVER, steps=lengths.LATENT_STEPS
        ).latents[:, 0]
    place = (GROUP_NAMES.index("pm"), GROUP_NAMES.index("p6"))
    assert found.length[place] == pytest.approx(float(path.diff(dim=0).norm(dim=-1).sum()), rel=1e-4)
    assert found.bend[place] == pytest.approx(found.length[place] / float((path[-1] - path[0]).norm()), rel=1e-4)
    assert (found.bend >= 1 - 1e-5).all()
    assert not found.length.diagonal().any()


def test_evaluations_are_those_that_torchdiffeq_asks_for() -> None:
    model, solved = tiny_model(), list[int]()
    found = lengths.count_evaluations(model, 2, solved.append)
    assert solved == list(range(272))
    assert (found.diagonal() == 0).all()
    pattern = generate_pattern("pm", 2, model.resolution)
    start = lengths.encode(model, torch.from_numpy(pattern.pixels).permute(2, 0, 1).float() / 255, "pm")
    field = model.ode.field(*(torch.tensor([GROUP_NAMES.index(name)]) for name in ("pm", "p6")))
    asked: list[float] = []

    def counted(time: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        asked.append(float(time))
        return field(time, state)

    own = model.ode.settings
    with torch.no_grad():
        odeint(counted, model.ode.standardise(start[None]), torch.tensor([0.0, 1.0]), rtol=own.rtol, atol=own.atol)
    assert found[GROUP_NAMES.index("pm"), GROUP_NAMES.index("p6")] == len(asked)


def test_counting_evaluations_ends_when_nobody_waits(maker: Maker) -> None:
    def gone(solved: int) -> None:
        if solved == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        maker.evaluations("", 2, gone)
    solved: list[int] = []
    found = maker.evaluations("", 2, solved.append)
    assert len(solved) == 272, "counted from the beginning"
    assert maker.evaluations("", 2, lambda _: pytest.fail("counted again")) is found


class Arriving:
    """A field whose paths are straight and stop at a share of the way to where they should end."""

    def __init__(self, model: TransitionModel, share: float) -> None:
        self._model, self._share = model, share

    def solve(self, latents: Any, source: Any, target: Any, times: Any, **_: Any) -> Any:
        ends = projected(self._model.vae, latents, target)
        return SimpleNamespace(latents=latents + self._share * times[:, None, None] * (ends - latents), nfe=1)


@pytest.mark.parametrize(("share", "error"), [(1.0, 0.0), (0.75, 0.25), (0.0, 1.0)])
def test_the_error_of_an_end_is_the_share_of_the_way_that_is_missing(share: float, error: float) -> None:
    model = tiny_model()
    field = SimpleNamespace(vae=model.vae, resolution=model.resolution, ode=Arriving(model, share))
    found = lengths.measure(field, 2)  # type: ignore[arg-type]
    apart = ~np.eye(len(GROUP_NAMES), dtype=bool)
    assert found.error[apart] == pytest.approx(np.full(272, error), abs=1e-5)


@pytest.mark.parametrize("name", GROUP_NAMES)
def test_own_operations_change_nothing_and_others_do(name: str) -> None:
    own = {op.xyz for op in plane_group(name).operations}
    assert {check(name, 1, xyz).largest for xyz in own} == {0.0}
    foreign = [xyz for xyz in sorted(OPERATIONS) if xyz not in own]
    changes = [check(name, 1, xyz) for xyz in foreign]
    assert all(each.largest > 0 and each.changed > 0 for each in changes)


def test_the_atlas_draws_what_moving_changes() -> None:
    def pixels(by: str) -> np.ndarray[Any, Any]:
        with Image.open(io.BytesIO(picture("pmm", 1, "difference", by, 64))) as opened:
            return np.asarray(opened)

    assert not pixels("-x,y").any()
    assert pixels("-y,x").any()


@pytest.mark.parametrize(
    ("group", "seed", "kind", "by", "size"),
    [
        ("p5", 1, "moved", "x,y", 64), ("p4", -1, "moved", "x,y", 64), ("p4", 1, "gone", "x,y", 64),
        ("p4", 1, "moved", "2x,y", 64), ("p4", 1, "moved", "x,y", 9000),
    ],
)  # fmt: skip
def test_the_atlas_refuses_what_it_does_not_know(group: str, seed: int, kind: str, by: str, size: int) -> None:
    with pytest.raises(ValueError, match=r"must be known|unknown"):
        picture(group, seed, kind, by, size)
