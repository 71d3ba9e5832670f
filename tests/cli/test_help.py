"""Help: every command has it, teaches all its options, and prints examples that can be typed."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.cli.conftest import call, succeed
from wallpaper import __version__
from wallpaper.cli import COMMANDS, main

README = Path(__file__).parents[2] / "README.md"
ALL_COMMANDS = pytest.mark.parametrize("name", COMMANDS)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's own


def command(name: str) -> click.Command:
    found = main.get_command(click.Context(main), name)
    assert found is not None
    return found


def typed(text: str) -> list[list[str]]:
    """The words of each `wallpaper` command that a text shows, without the remark behind it."""
    lines = [line.strip() for line in text.splitlines() if re.match(r"\s*wallpaper [a-z]", line)]
    return [shlex.split(re.split(r" {3,}|#", line)[0])[1:] for line in lines]


def parse(words: list[str]) -> None:
    """Parse a command without running it; raises for anything that it does not know."""
    name, *arguments = words
    if "--help" not in arguments:
        command(name).make_context(name, arguments, parent=click.Context(main, **main.context_settings))


def test_the_commands_are_listed_in_the_order_of_a_first_use() -> None:
    listed = re.findall(r"^  ([a-z-]+)  ", succeed("--help").output.split("Commands:")[1], re.MULTILINE)
    assert listed == list(COMMANDS)
    assert call().output.startswith("Usage: wallpaper")


@ALL_COMMANDS
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_names_every_option_and_what_it_does(name: str, flag: str) -> None:
    text = succeed(name, flag).output
    for parameter in command(name).params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts} has no help"
            assert all(option in text for option in parameter.opts)
        else:
            assert str(parameter.name).upper() in text


@ALL_COMMANDS
def test_the_list_and_the_command_agree_on_what_it_does(name: str) -> None:
    """The same first words, so that nobody has to read both."""
    listed, own = COMMANDS[name][1], str(command(name).help)
    assert {word.lower() for word in re.findall(r"\w{5,}", listed)} & set(re.findall(r"\w{5,}", own.lower()))


def test_there_are_examples_to_type() -> None:
    shown = {name: typed(str(command(name).help)) for name in COMMANDS}
    assert {name for name, examples in shown.items() if examples} >= {
        "generate",
        "train-vae",
        "train-ode",
        "transition",
    }
    for examples in [*shown.values(), typed(str(main.help)), typed(README.read_text(encoding="utf-8"))]:
        for words in examples:
            parse(words)


def test_an_example_that_cannot_be_typed_is_noticed() -> None:
    with pytest.raises(click.NoSuchOption, match="No such option '--sede'"):
        parse(typed("  wallpaper transition p1 p6m --sede 7   # a slip")[0])


def test_underscores_are_as_good_as_dashes() -> None:
    parse(["train-vae", "--weight_decay", "0"])


def test_help_is_quick_because_it_imports_nothing_heavy() -> None:
    code = """
import sys
from wallpaper.cli import main
try:
    main(["--help"])
finally:
    heavy = {"torch", "numpy", "scipy", "matplotlib", "mlflow", "h5py", "tqdm"} & set(sys.modules)
    print("imported:", sorted(heavy))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("imported: []\n")


def test_the_module_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "wallpaper", "--version"], capture_output=True, text=True, timeout=100)
    assert done.stdout == f"wallpaper, version {__version__}\n"


def test_no_command_s_help_waits_for_a_library_that_takes_seconds() -> None:
    code = (
        "import sys, click; from wallpaper.cli import main\n"
        f"for name in {tuple(COMMANDS)}: assert main.get_command(click.Context(main), name)\n"
        "print({'torch', 'mlflow', 'matplotlib', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
