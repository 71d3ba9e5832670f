"""What the site's build adds to the pages in docs/: pages made from the code, and formulas as MathML.

MkDocs calls the functions that begin with `on_`. Run it from the project's folder: `python -m mkdocs build`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from tune.search import search
from wallpaper.cli import COMMANDS, main
from wallpaper.cli.door import Door

ROOT = Path(__file__).parents[1]

COPIED = {
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    "model-card.md": "wallpaper/shipped/CARD.md",
}
"""Pages that are files of the project: where they stand in the site, and what they are."""

FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)
"""How the Markdown extension arithmatex hands a formula on."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Pages of docs/ itself that mkdocs.yml does not name come last among the how-to guides."""
    assert config.nav is not None
    (guides,) = (part["How to"] for part in config.nav if "How to" in part)
    named = {place for part in config.nav for place in _places(part)} | set(COPIED)
    guides += [path.name for path in sorted((ROOT / "docs").glob("*.md")) if path.name not in named]
    return config


def _places(part: str | dict[str, Any] | list[Any]) -> Iterator[str]:
    """The pages below a part of the navigation."""
    if isinstance(part, str):
        yield part
    else:
        for each in part.values() if isinstance(part, dict) else part:
            yield from _places(each)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that the code makes."""
    made = {"reference/commands.md": commands(), **{name: copied(source) for name, source in COPIED.items()}}
    for name, text in made.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_content(text: str, **_: object) -> str:
    """Formulas as MathML, which browsers draw without a script."""
    return FORMULA.sub(_mathml, text)


def copied(source: str) -> str:
    """A file of the project as a page: its links into docs/ lead to the site's pages."""
    return (ROOT / source).read_text(encoding="utf-8").replace("](docs/", "](")


def commands() -> str:
    """The page of all commands: what `--help` prints."""
    parts = [
        "# Commands\n",
        "Every command explains itself: this page is what `--help` prints. All keep `data/`, `output/` and `mlflow.db` "
        "in the folder that they are called in; a user's mistake is one sentence and exit code 2.\n",
        f"```text\n{_help(main, 'wallpaper')}\n```\n",
    ]
    for name, (_, line) in COMMANDS.items():
        command = main.get_command(click.Context(main), name)
        assert command is not None
        parts.append(
            f"## wallpaper {name} {{ #{name} }}\n\n{line}\n\n```text\n{_help(command, f'wallpaper {name}')}\n```\n"
        )
    return "\n".join(parts)


def _help(command: click.Command, name: str) -> str:
    """What `--help` prints; the options of a door are asked of its program here, in this process, which is quicker."""
    with _context(command, name) as context:
        if not isinstance(command, Door):
            return command.get_help(context)
        formatter = context.make_formatter()
        command.format_usage(context, formatter)
        command.format_help_text(context, formatter)
    assert command.name == search.name
    return f"{formatter.getvalue()}\nOptions:{search.get_help(_context(search, name)).partition('Options:')[2]}"


def _context(command: click.Command, name: str) -> click.Context:
    return command.make_context(name, [], resilient_parsing=True, terminal_width=84, **main.context_settings)


def _mathml(found: re.Match[str]) -> str:
    formula = html.unescape(found[2]).strip()
    return convert(formula, display="block" if found[1] == "div" else "inline")
