"""`wallpaper relations`, and a transition's route, spectrum and certificates, as a user types them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import call, succeed
from tests.tiny import tiny_model
from wallpaper.judge import Certificate
from wallpaper.plane import GROUP_NAMES

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's own


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a model in it."""
    monkeypatch.chdir(tmp_path)
    tiny_model("palette").save(tmp_path / "model")
    return tmp_path


def test_the_table_has_all_pairs_and_all_subgroups() -> None:
    lines = succeed("relations").output.splitlines()
    start = next(index for index, line in enumerate(lines) if line.split() == list(GROUP_NAMES))
    rows = {line.split()[0]: line.split()[1:] for line in lines[start + 1 : start + 18]}
    assert list(rows) == list(GROUP_NAMES)
    assert {len(row) for row in rows.values()} == {17}
    assert (rows["pm"][GROUP_NAMES.index("p4")], rows["p4"][GROUP_NAMES.index("pm")]) == ("1", "2")
    assert "p6m       12  t2 p3m1, t2 p31m, t2 p6, t3 cmm ×3" in lines


def test_two_groups_are_explained() -> None:
    text = succeed("relations", "p3m1", "p31m").output
    assert "Direct: both keep p3, order 3\n  operations  x,y  -x+y,-x  -y,x-y\n" in text
    assert "Widest route: p3m1 → p6m → p31m keeps order 6 all the way" in text
    assert "p31m lies in p3m1 with index 3, on the cell a-b, a+2b; on that cell both keep p31m (order 6)" in text
    assert "no way through other groups keeps more" in succeed("relations", "p4", "p4m").output


def test_one_group_s_neighbours() -> None:
    text = succeed("relations", "p6mm").output
    assert text.startswith("p6m (p6mm, *632), No. 17, hexagonal, order 12\n")
    assert "t-supergroups     none" in text


def test_everything_is_there_as_json() -> None:
    whole = json.loads(succeed("relations", "--json").output)
    assert len(whole["pairs"]) == 136
    assert [group["group"] for group in whole["groups"]] == list(GROUP_NAMES)
    pair = json.loads(succeed("relations", "pm", "p4", "--json").output)
    assert (pair["direct"]["order"], pair["widest"]["order"], pair["widest"]["groups"]) == (1, 2, ["pm", "p4m", "p4"])
    assert pair["widest"]["legs"][0]["operations"] == ["x,y", "-x,y"]
    assert pair["k_relations"] == []
    assert json.loads(succeed("relations", "p1", "--json").output)["t_subgroups"] == []


@pytest.mark.parametrize(("groups", "shown"), [((), 17), (("p4",), 5), (("pm", "p4"), 4)])
def test_the_tree_is_drawn(folder: Path, groups: tuple[str, ...], shown: int) -> None:
    result = succeed("relations", *groups, "--tree", "new/tree.svg")
    assert result.stdout.endswith("new/tree.svg: the tree\n")
    text = (folder / "new" / "tree.svg").read_text(encoding="utf-8")
    names = [t for t in ElementTree.fromstring(text).iter() if t.text in GROUP_NAMES and t.get("font-weight") == "650"]
    assert len(names) == shown
    assert json.loads(succeed("relations", *groups, "--json", "--tree", "x.svg").stdout)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("relations p7 p3", "Error: unknown wallpaper group 'p7'; one of p1, p2, pm"),
        ("relations p4 p4mm p3", "give no group, one or two, but got 3: p4 p4mm p3"),
        ("relations p4 p4", "Error: `source != target` must hold, but both are p4"),
        ("relations --tree x.png", "Invalid value for '--tree': must end in .svg, but got 'x.png'"),
        ("transition p1 p2 --route short --model model", "'short' is not one of 'direct', 'widest'"),
        (
            "transition p1 p2 --model model --spectrum x.gif",
            "'--spectrum': must end in .png, .svg, .pdf, but got 'x.gif'",
        ),
        ("transition p1 p2 --model model --certify x.txt", "'--certify': must end in .json, but got 'x.txt'"),
        (
            "transition pmm p3m1 --model model --route widest --n-frames 3",
            "Error: `n_frames >= 4` must hold to show the 4",
        ),
    ],
)
def test_mistakes_are_one_sentence(folder: Path, words: str, message: str) -> None:
    result = call(*words.split())
    assert result.exit_code == 2
    assert message in result.stderr
    assert {path.name for path in folder.iterdir()} == {"model"}


def test_a_routed_transition_with_its_spectrum_and_certificates(folder: Path) -> None:
    options = ("--model", "model", "--n-frames", 5, "--size", 32, "--route", "widest")
    result = succeed("transition", "pm", "p4", "-o", "x.gif", *options, "--spectrum", "s.png", "--certify", "c.json")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("x.gif: pm to p4m to p4, frames keep pm (order 2), then p4 (order 4); path length ")
    assert lines[1] == "s.png: the symmetry spectrum"
    assert lines[2].startswith("c.json: ")
    with Image.open("s.png") as picture:
        assert picture.size[0] > 1000
    found = json.loads((folder / "c.json").read_text(encoding="utf-8"))
    assert found["route"] == ["pm", "p4m", "p4"]
    assert [frame["expected"] for frame in found["frames"]] == ["pm", "pm", "p4m", "p4", "p4"]
    for frame in found["frames"]:
        assert frame["verdict"] in ("exact", "higher")
        assert Certificate.from_dict(frame["certificate"]).group == frame["found"]
    assert found["frames"][0]["found"] == "pm"
    assert found["frames"][-1]["found"] == "p4"


def test_a_direct_transition_says_what_is_kept(folder: Path) -> None:
    result = succeed("transition", "cmm", "p4m", "-o", "x.png", "--model", "model", "--n-frames", 2, "--size", 32)
    assert "x.png: cmm to p4m, every frame keeps cmm (order 4); path length" in result.stdout
