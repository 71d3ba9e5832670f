"""The registry by commands: what registering, promoting, rolling back and listing print, and how they end."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from serving import __main__ as commands
from serving import register as registration
from serving.gates import Verdict
from serving.promotion import Outcome
from serving.versions import Registry
from tests.serving.conftest import Add, aliases
from tests.serving.test_gates import GOOD

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own and those of what it imports

# ---- registering


@pytest.mark.usefixtures("sound")
def test_only_the_first_version_is_champion_without_gates(registry: Registry, add: Add) -> None:
    def point(alias: str, **figures: float) -> tuple[str, bool | None]:
        named, outcome = registration._point(registry, add(**figures), alias)
        return named, outcome and outcome.refused

    assert point(registration.AUTO, psnr_test=20.0) == ("champion", None)
    assert registry.moves()[-1].kind == "first"
    assert point(registration.AUTO) == ("challenger", None)
    assert point("") == ("", None)
    assert aliases(registry) == {"champion": "1", "challenger": "2"}
    assert point("champion", collapsed_pairs=1.0) == ("challenger", True)
    assert aliases(registry) == {"champion": "1", "challenger": "4"}
    assert point("champion") == ("champion", False)
    assert point("staging", collapsed_pairs=1.0) == ("staging", None)
    assert aliases(registry) == {"champion": "5", "challenger": "5", "staging": "6"}


def test_a_registration_that_gates_hold_back_says_so_and_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    verdict = Verdict("collapsed pairs", "1", "0", holds=False, remedy="train on")
    outcome = Outcome("2", "champion", before="1", now="1", verdicts=(verdict,))
    done = registration.Registered("wallpaper-transition", "2", "challenger", "r", outcome)
    monkeypatch.setattr(registration, "register", lambda *_, **__: done)
    assert registration.main([str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert shown.out == "wallpaper-transition version 2: models:/wallpaper-transition@challenger\n"
    assert "It has no evaluation" in shown.err
    assert "collapsed pairs: train on\n" in shown.err


# ---- the command line


def said(*words: str) -> int:
    return commands.main(list(words))


@pytest.mark.usefixtures("sound")
def test_commands_print_tables_and_end_with_the_right_code(
    registry: Registry, add: Add, capsys: pytest.CaptureFixture[str]
) -> None:
    add(), add(psnr_test=20.0)
    name = ("--name", registry.name)
    assert said("promote", "1", *name) == 0
    assert f"{registry.name} version 1 is @champion.\n" in capsys.readouterr().out
    assert said("promote", "2", *name) == 1
    shown = capsys.readouterr().out
    assert re.search(r"^PSNR, test \(dB\) +20\.00 +>= 24\.80 \(champion 25\.00\) +DOES NOT HOLD$", shown, re.MULTILINE)
    assert "Refused: version 2 is not @champion, which stays at version 1." in shown
    assert f"wallpaper promote 2 --name {registry.name} --force --reason" in shown
    assert said("promote", "2", *name, "--dry-run", "--json") == 1
    would = json.loads(capsys.readouterr().out)
    assert {key: would[key] for key in ("version", "before", "now", "dry_run", "refused")} == {
        "version": "2",
        "before": "1",
        "now": "1",
        "dry_run": True,
        "refused": True,
    }
    (failing,) = [each for each in would["gates"] if not each["holds"]]
    assert (failing["gate"], failing["value"]) == ("PSNR, test (dB)", "20.00")
    assert said("promote", "2", *name, "--force", "--reason", "a test") == 0
    capsys.readouterr()
    assert said("models", *name) == 0
    head, two, one, forced = capsys.readouterr().out.splitlines()
    assert head.split()[:2] == ["version", "aliases"]
    assert two.split()[:2] == ["2!", "champion"]
    assert one.split()[0] == "1"
    assert "'a test', past: PSNR, test (dB)" in forced
    assert said("rollback", *name, "--dry-run") == 0
    would_go = f"{registry.name} version 1 would be @champion; now it is version 2. Nothing has changed.\n"
    assert capsys.readouterr().out == would_go
    assert said("rollback", *name, "--reason", "again") == 0
    shown = capsys.readouterr().out
    assert shown.endswith(
        f"1 is @champion; before it was version 2.\nBack with: wallpaper promote 2 --name {registry.name}\n"
    )
    assert said("models", *name, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["aliases"] for each in found["versions"]] == [[], ["champion"]]
    assert found["versions"][0]["figures"] == {**GOOD, "psnr_test": 20.0}
    assert [(move["kind"], move["version"]) for move in found["moves"]] == [
        ("promote", "1"),
        ("promote", "2"),
        ("rollback", "1"),
    ]
    assert said("models", *name, "--history") == 0
    assert len(capsys.readouterr().out.splitlines()) == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("promote 7", "`7` must be a version or an alias of {name} in sqlite"),
        ("promote nobody", "`nobody` must be a version or an alias of {name} in sqlite"),
        ("promote 1 --force", "`--force` needs `--reason TEXT`"),
        ("rollback", "`@champion` of {name} must have been moved to roll back, but there is none"),
    ],
)
def test_a_user_s_mistake_is_one_sentence(
    registry: Registry, capsys: pytest.CaptureFixture[str], words: str, message: str
) -> None:
    assert said(*words.split(), "--name", registry.name) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("Error: " + message.format(name=registry.name))
    assert len(shown.err.splitlines()) == 1


def test_a_name_that_is_not_registered_is_told(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["models"], ["promote"], ["rollback"]):
        assert said(*words, "--name", "none") == 2
        assert capsys.readouterr().err.startswith("Error: `--name none` must be a registered model in sqlite")
