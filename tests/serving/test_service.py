"""Answers: what the library gives for the same start, alone and among others, in every format."""

from __future__ import annotations

import base64
import io
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from benchmarks.fuzz_serving import validator
from serving import service as service_module
from serving.refusals import Refusal
from serving.service import Service
from tests.serving.conftest import picture_text
from tests.tiny import LATENT, SIDE
from wallpaper.judge import identify
from wallpaper.patterns import generate_pattern
from wallpaper.pictures.render import render
from wallpaper.transition import Transition, encode, latent_path, pictures, show, transition, transition_from_seed

ROW = {"source_group": "p1", "target_group": "p6m", "seed": "3"}
SMALL = {"n_frames": 3, "size": 64}


def ask(service: Service, *rows: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
    answers = service.answer(rows, params or None)
    for answer in answers:
        validator("answer").validate(json.loads(json.dumps(answer, allow_nan=False)))
    return answers


def decode(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def frames_of(answer: dict[str, Any]) -> list[NDArray[np.uint8]]:
    return [np.asarray(Image.open(io.BytesIO(decode(frame)))) for frame in answer["frames"]]


def latents_of(answer: dict[str, Any]) -> NDArray[np.float32]:
    return np.frombuffer(decode(answer["latents"]["data"]), "<f4").reshape(answer["latents"]["shape"])


def check(answer: dict[str, Any], expected: Transition) -> None:
    np.testing.assert_array_equal(frames_of(answer), pictures(expected, size=64, cells=2.5))
    np.testing.assert_array_equal(latents_of(answer), expected.latents.numpy())


def test_an_answer_is_what_the_library_gives_for_the_same_seed(service: Service) -> None:
    (answer,) = ask(service, ROW, **SMALL)
    expected = transition_from_seed(service.model, "p1", "p6m", seed=3, n_frames=3)
    check(answer, expected)
    assert answer["times"] == [0.0, 0.5, 1.0]
    assert (answer["source_group"], answer["target_group"], answer["common_subgroup"]) == ("p1", "p6m", "p1")
    assert (answer["nfe"], answer["path_length"]) == (expected.nfe, expected.path_length)
    last = expected.lattices[2]
    assert answer["lattices"][2] == {"a": last.a, "b": last.b, "gamma": last.gamma}
    assert answer["start"] == {"kind": "seed", "seed": 3}
    assert answer["model"]["version"] == "7"


def test_a_route_goes_through_its_groups(service: Service) -> None:
    row = {"source_group": "cm", "target_group": "p3", "seed": 4}
    (answer,) = ask(service, row, route="widest", n_frames=5, size=64)
    check(answer, transition_from_seed(service.model, "cm", "p3", seed=4, n_frames=5, route="widest"))
    assert answer["route"] == ["cm", "p3m1", "p3"]


def test_a_sample_is_a_start(service: Service) -> None:
    sample = service.samples.by_id["p4-1"]
    image = torch.from_numpy(sample.pixels).permute(2, 0, 1).float() / 255
    (answer,) = ask(service, {"source_group": "auto", "target_group": "p4m", "sample_id": "p4-1"}, **SMALL)
    check(answer, transition(service.model, image, "p4", "p4m", lattice=sample.lattice, n_frames=3))
    assert (answer["source_group"], answer["start"]) == ("p4", {"kind": "sample", "sample_id": "p4-1"})


def test_a_latent_of_an_answer_is_a_start(service: Service) -> None:
    (first,) = ask(service, ROW, format="latent", **SMALL)
    reached = latents_of(first)[-1]
    (answer,) = ask(
        service,
        {"source_group": "p6m", "target_group": "p3", "latent": base64.b64encode(reached.tobytes()).decode()},
        **SMALL,
    )
    path = latent_path(service.model, torch.from_numpy(reached.copy()), "p6m", "p3", n_frames=3)
    check(answer, show(service.model, [path])[0])
    np.testing.assert_array_equal(latents_of(answer)[0], reached)


@pytest.mark.parametrize("source", ["p4", "auto"])
def test_a_picture_is_a_start_with_the_lattice_that_it_shows(service: Service, source: str) -> None:
    pattern = generate_pattern("p4", 5, 64)
    picture = render(pattern.pixels, pattern.lattice, size=320, cells=3, rotation=20)
    row = {"source_group": source, "target_group": "p4m", "image": picture_text(picture)}
    (answer,) = ask(service, row, **SMALL)
    assert answer["source_group"] == "p4"
    start = answer["start"]
    assert (start["kind"], start["group"]) == ("image", "p4")
    assert start["lattice"]["a"] == pytest.approx(320 / 3, rel=0.01)
    cell = {key: answer["lattices"][0][key] for key in ("a", "b", "gamma")}
    assert cell == pytest.approx({"a": 1, "b": 1, "gamma": 90})
    same = encode(service.model, torch.from_numpy(pattern.pixels[::2, ::2].copy()).permute(2, 0, 1) / 255, "p4")
    other = encode(service.model, torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)), "p4")
    found = torch.from_numpy(latents_of(answer)[0].copy())
    assert (found - same).norm() < 0.5 * (found - other).norm()


def test_a_picture_of_another_group_is_refused_and_its_row_named(service: Service) -> None:
    pattern = generate_pattern("p4", 5, 64)
    row = {"source_group": "p6", "target_group": "p4m", "image": picture_text(render(pattern.pixels, pattern.lattice))}
    with pytest.raises(Refusal, match=r"^row 1, source_group: must be the image's group p4 ") as caught:
        ask(service, ROW, row, **SMALL)
    assert caught.value.status == 422
    with pytest.raises(Refusal, match=r"^target_group: must differ from source_group, but both are 'p4'"):
        ask(service, {**row, "source_group": "auto", "target_group": "p4"}, **SMALL)


@pytest.mark.parametrize(
    ("kind", "media_type", "magic"),
    [("gif", "image/gif", b"GIF89a"), ("mp4", "video/mp4", b"ftyp"), ("strip", "image/png", b"\x89PNG")],
)
def test_a_file_has_the_format_asked_for(service: Service, kind: str, media_type: str, magic: bytes) -> None:
    (answer,) = ask(service, ROW, format=kind, **SMALL)
    assert magic in decode(answer["file"])[:16]
    assert answer["media_type"] == media_type
    assert "frames" not in answer


def test_a_path_alone_is_the_same_path_without_pictures(service: Service) -> None:
    ((alone,), (drawn,)) = ask(service, ROW, format="latent", **SMALL), ask(service, ROW, **SMALL)
    assert alone.keys() == drawn.keys() - {"frames"}
    assert {name for name in alone if alone[name] != drawn[name]} == {"format", "media_type"}


def test_the_longest_gif_keeps_all_its_frames(service: Service) -> None:
    (answer,) = ask(service, ROW, format="gif", n_frames=240, size=64)
    with Image.open(io.BytesIO(decode(answer["file"]))) as gif:
        assert len(list(ImageSequence.Iterator(gif))) >= 200  # Pillow joins frames that are equal


@pytest.mark.parametrize("kind", ["latent", "png"])
def test_the_judge_certifies_both_ends(service: Service, kind: str) -> None:
    (answer,) = ask(service, {**ROW, "target_group": "p4"}, format=kind, certify=True, **SMALL)
    result = transition_from_seed(service.model, "p1", "p4", seed=3, n_frames=3)
    for name, index, planned in (("first", 0, "p1"), ("last", 2, "p4")):
        end = answer["certificates"][name]
        expected = identify(result.frames[index].permute(1, 2, 0).numpy(), result.lattices[index])
        assert (end["planned"], end["found"], end["problem"]) == (planned, expected.group, None)
        assert end["verdict"] in ("exact", "higher")
        assert end["certificate"] == expected.to_dict()


def test_a_flat_end_says_so(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.model.vae, "colour", lambda fields, _: torch.full_like(fields[:, :3], 0.5))
    (answer,) = ask(service, ROW, format="latent", certify=True, **SMALL)
    first = answer["certificates"]["first"]
    assert (first["planned"], first["found"], first["verdict"], first["certificate"]) == ("p1", None, None, None)
    assert "it is flat" in first["problem"]


def test_a_path_that_leaves_all_bounds_is_refused(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "LARGEST_STATE", 1.0)
    row = {"source_group": "p1", "target_group": "p4", "latent": [900.0] * LATENT}
    with pytest.raises(Refusal, match=r"^latent: must lie where pictures do, but the path from it leaves") as caught:
        ask(service, row, format="latent")
    assert caught.value.status == 422


def mixed_rows() -> list[dict[str, Any]]:
    return [
        {"source_group": "p1", "target_group": "p4m", "seed": 1},
        {"source_group": "cm", "target_group": "p3", "sample_id": "cm-0"},
        {"source_group": "p2", "target_group": "p6", "latent": [0.5, -1.0, 2.0, 0.25]},
        {"source_group": "pgg", "target_group": "p4g", "seed": 9},
        {"source_group": "p31m", "target_group": "p6m", "seed": 2},
    ]


@pytest.mark.parametrize("together", [7, 256])
def test_an_answer_is_the_same_alone_and_among_others(
    service: Service, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "FRAMES_TOGETHER", together)
    options = {"n_frames": 5, "size": 64, "route": "widest", "certify": True}
    alone = [ask(service, row, **options)[0] for row in mixed_rows()]
    assert ask(service, *mixed_rows(), **options) == alone
    assert ask(service, *reversed(mixed_rows()), **options) == alone[::-1]
    assert len({json.dumps(answer) for answer in alone}) == len(alone)


def test_concurrent_requests_do_not_disturb_each_other(service: Service) -> None:
    rows = mixed_rows() * 3
    alone = [ask(service, row, n_frames=4, size=64) for row in rows]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda row: ask(service, row, n_frames=4, size=64), rows))
    assert together == alone
