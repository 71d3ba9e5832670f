"""Promote and roll back from the tab Models: gates, force, rollback, failures, over a store that registration has made.

One promotion runs the real commands; elsewhere the serving application answers in this process, without a trial.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from nicegui import ui
from nicegui.testing import User

from dashboard.promotion import Mover
from dashboard.store import Store
from serving import __main__ as serving
from serving import promotion as decisions
from serving.register import register
from serving.versions import NAME, Registry
from tests.dashboard.conftest import TRIES, eventually, visit
from tests.serving.test_gates import GOOD, SOUND
from tests.tiny import tiny_model
from wallpaper import tracking

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # MLflow's own and those of what it imports
]

PATIENCE = 300.0
"""Seconds for the real commands, each of which loads MLflow and a model twice."""

RUN = Mover._run

BETTER, WORSE = "2", "3"
"""Versions: 1 is champion, 2 passes all gates, 3 misses one."""


@pytest.fixture(scope="session")
def _registered(tmp_path_factory: pytest.TempPathFactory, _empty_database: Path) -> Path:
    """A database with three versions of one model, registered once: that takes seconds."""
    folder = tmp_path_factory.mktemp("registered")
    shutil.copy(_empty_database, folder)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
        registered = register(tiny_model("palette").save(folder / "model"))
        client = tracking.initialise().client
        first = client.get_model_version(NAME, registered.version)
        for name, value in GOOD.items():
            client.set_model_version_tag(NAME, first.version, f"eval.{name}", repr(value))
        client.set_model_version_tag(NAME, first.version, "eval.data", "d")
        for psnr in (26.0, 20.0):
            tags = {f"eval.{name}": repr(value) for name, value in {**GOOD, "psnr_test": psnr}.items()}
            client.create_model_version(NAME, str(first.source), first.run_id, tags={**tags, "eval.data": "d"})
    return folder / "mlflow.db"


@pytest.fixture
def registered(_registered: Path, store: Store, project: Path) -> Store:
    """The project's store with the three versions."""
    shutil.copy(_registered, project / "mlflow.db")
    store.poll()
    return store


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands' decisions without their processes, and a sound trial; what was asked for."""
    asked: list[list[str]] = []

    def run(_: Mover, words: Sequence[str]) -> tuple[int, str, str]:
        asked.append(list(words))
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            code = serving.main(list(words))
        return code, output.getvalue(), errors.getvalue()

    monkeypatch.setattr(Mover, "_run", run)
    monkeypatch.setattr(decisions, "try_version", lambda uri: SOUND)
    return asked


def registry() -> Registry:
    return Registry(tracking.initialise(), NAME)


def words(user: User, marker: str) -> str:
    """What a label says, also one that is hidden and says nothing: a simulated user finds only what can be seen."""
    assert user.client is not None
    (label,) = [each for each in user.client.elements.values() if marker in each._markers]
    assert isinstance(label, ui.label)
    return str(label.text)


def element(user: User, marker: str) -> Any:
    (found,) = user.find(marker=marker).elements
    return found


def look(user: User, store: Store) -> Callable[[], Awaitable[None]]:
    """Has the page show what the store has now: here no thread reads it."""

    async def looked() -> None:
        before = store.version
        await asyncio.to_thread(store.poll)
        assert store.version > before
        await asyncio.sleep(0)

    return looked


async def opened(user: User, marker: str) -> None:
    """The dialog is open and its question answered."""
    await user.should_see(marker=marker, retries=TRIES)
    user.find(marker=marker).click()
    await user.should_see(marker="consequence", retries=TRIES)
    await eventually(lambda: words(user, "doing") == "")


def test_a_promotion_shows_what_it_would_do_and_the_gates_and_is_done_by_the_command(
    registered: Store, quick: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question is answered in this process, what is confirmed by the command itself with its trial."""

    async def act(user: User) -> None:
        await user.should_see(marker=f"promote-{BETTER}", retries=TRIES)
        await user.should_not_see(marker="promote-1")
        user.find(marker=f"promote-{BETTER}").click()
        await user.should_see(f"Version 2 becomes @champion of {NAME}.", retries=TRIES)
        await user.should_see("Version 1 stays registered, and Roll back returns to it.")
        assert words(user, "doing").startswith("Asking the gates: version 2 answers one request")
        assert not element(user, "confirm").enabled
        await eventually(lambda: words(user, "doing") == "")
        assert words(user, "verdict-of-gates") == "All 9 gates hold.", words(user, "move-error")
        assert len(user.find(marker="holds").elements) == 9
        assert registry().holder("champion") == "1"
        monkeypatch.setattr(Mover, "_run", RUN)
        user.find(marker="move-by").type("Ada")
        user.find(marker="confirm").click()
        await user.should_see("Promoting: the gates are asked once more", retries=TRIES)
        deadline = time.monotonic() + PATIENCE
        while not words(user, "models-said") and time.monotonic() < deadline:
            assert not words(user, "move-error")
            await asyncio.sleep(0.1)
        assert words(user, "models-said") == f"Version 2 is @champion of {NAME}; before it was version 1."
        assert element(user, "move").parent_slot.parent.value is False

    visit(registered, act, path="/?tab=models")
    assert registry().holder("champion") == "2"
    move = registry().moves("champion")[-1]
    assert (move.kind, move.before, move.forced) == ("promote", "1", ())
    assert move.by.startswith("Ada (")


def test_past_a_gate_only_by_force_and_with_a_reason_which_is_recorded(
    registered: Store, quick: list[list[str]]
) -> None:
    async def act(user: User) -> None:
        await opened(user, f"promote-{WORSE}")
        assert words(user, "verdict-of-gates") == "1 of 9 gates does not hold."
        await user.should_see("it is worse than what is served now")
        await user.should_see(">= 24.80 (champion 25.00)")
        confirm = element(user, "confirm")
        assert not confirm.enabled
        element(user, "force").set_value(True)
        assert not confirm.enabled
        user.find(marker="move-reason").type("  ")
        assert not confirm.enabled
        user.find(marker="confirm").trigger("click")  # as a browser can that was told to
        await asyncio.sleep(0.1)
        assert all("--dry-run" in each for each in quick)
        assert registry().holder("champion") == "1"
        user.find(marker="move-reason").type("the old one is broken")
        user.find(marker="move-by").type("Grace")
        await eventually(lambda: confirm.enabled)
        assert confirm.text == "Promote past 1 gate"
        user.find(marker="confirm").click()
        came = f"Version 3 is @champion of {NAME} by force, past 1 of 9 gates; before it was version 1."
        await eventually(lambda: words(user, "models-said") == came)
        await look(user, registered)()
        await user.should_see("by force", retries=TRIES)
        await user.should_see(marker="roll-back-3", retries=TRIES)

    visit(registered, act, path="/?tab=models")
    forced = registry().version("champion").forced
    assert (forced["reason"], forced["gates"]) == ("the old one is broken", "PSNR, test (dB)")
    assert forced["by"].startswith("Grace (")
    assert set(forced) == {"by", "at", "reason", "gates"}


def test_rollback_says_where_it_goes_and_goes_there(registered: Store, quick: list[list[str]]) -> None:
    for number in (BETTER, WORSE):
        registry().move("champion", number, "promote")
    registered.look_at_models()
    registered.poll()

    async def act(user: User) -> None:
        await opened(user, "roll-back-3")
        await user.should_see(f"Version 2 becomes @champion of {NAME} again, in place of version 3;")
        assert element(user, "confirm").text == "Roll back to version 2"
        user.find(marker="confirm").click()
        await eventually(lambda: words(user, "models-said").startswith("Version 2 is @champion"))

    visit(registered, act, path="/?tab=models")
    assert registry().holder("champion") == "2"
    assert "--to=2" in quick[-1]


@pytest.mark.usefixtures("quick")
def test_a_rollback_that_somebody_else_has_done_is_not_done_again(registered: Store) -> None:
    for number in (BETTER, WORSE):
        registry().move("champion", number, "promote")
    registered.look_at_models()
    registered.poll()

    async def act(user: User) -> None:
        await opened(user, "roll-back-3")
        await Mover(registered.uri).roll_back(NAME, to="2", reason="broken", by="another browser")
        user.find(marker="confirm").click()
        await eventually(lambda: "`--to 2` must be what a rollback goes to" in words(user, "move-error"))

    visit(registered, act, path="/?tab=models")
    assert registry().holder("champion") == "2"


@pytest.mark.usefixtures("quick")
def test_two_who_promote_at_once_lose_nothing(registered: Store) -> None:
    async def both() -> list[Any]:
        movers = [Mover(registered.uri)] * 2
        moves = [
            mover.promote(NAME, int(number), force=True, reason="at once", by=f"browser {number}")
            for mover, number in zip(movers, (BETTER, WORSE), strict=True)
        ]
        return list(await asyncio.gather(*moves))

    first, second = asyncio.run(both())
    assert (first.now, second.before, second.now) == ("2", "2", "3")
    assert [move.version for move in registry().moves("champion")] == ["1", "2", "3"]
    assert registry().holder("champion") == "3"


def test_a_champion_that_is_another_by_then_is_compared_with(registered: Store, quick: list[list[str]]) -> None:
    """The dialog's gates held against version 1; what is done asks them against what is champion then."""

    async def act(user: User) -> None:
        await opened(user, f"promote-{BETTER}")
        better = Registry(registry().store, NAME)
        better.store.client.set_model_version_tag(NAME, WORSE, "eval.psnr_test", "30.0")
        better.move("champion", WORSE, "promote")
        user.find(marker="confirm").click()
        await eventually(lambda: words(user, "move-error").startswith("Not promoted: @champion of"))
        await user.should_see(">= 29.80 (champion 30.00)", retries=TRIES)
        assert not element(user, "confirm").enabled

    visit(registered, act, path="/?tab=models")
    assert registry().holder("champion") == "3"
    assert ["--force" in words for words in quick] == [False, False]


def test_a_command_that_fails_is_said_and_the_versions_stay(registered: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = (1, "", "Traceback\nError: the store at sqlite does not answer; start its server\n")
    monkeypatch.setattr(Mover, "_run", lambda *_: broken)

    async def act(user: User) -> None:
        await opened(user, f"promote-{BETTER}")
        assert words(user, "move-error") == "the store at sqlite does not answer; start its server"
        await user.should_see(marker="move-problem")
        assert not element(user, "confirm").enabled
        await user.should_see(marker="version-3")
        monkeypatch.setattr(Mover, "_run", lambda *_: (2, "", ""))
        user.find(marker="ask-again").click()
        await eventually(lambda: words(user, "move-error") == "exit code 2")

    visit(registered, act, path="/?tab=models")


def test_the_first_champion_cannot_be_rolled_back(registered: Store) -> None:
    async def act(user: User) -> None:
        await user.should_see(marker="roll-back-1", retries=TRIES)
        button = element(user, "roll-back-1")
        assert not button.enabled
        assert "no version was champion before" in button.props["aria-label"]

    visit(registered, act, path="/?tab=models")


def test_who_only_looks_has_no_buttons(registered: Store) -> None:
    async def act(user: User) -> None:
        await user.should_see(marker="version-3", retries=TRIES)
        for marker in ("promote-2", "promote-3"):
            await user.should_not_see(marker=marker)

    visit(registered, act, path="/?tab=models", read_only=True)
