"""Lets the site's reference read docstrings as this project writes them: sections that fit on one line.

`Returns: text`, `Raises: Error: text` and `Args: name: text.` are laid out as Google's style wants them, and formulas
in reStructuredText as those of Markdown. Griffe loads it (mkdocs.yml).
"""

from __future__ import annotations

import inspect
import re
from typing import Any

import griffe

SECTION = re.compile(r"^(Args|Returns|Raises|Yields): +(?=\S)", re.MULTILINE)
INLINE_FORMULA = re.compile(r":math:`([^`]+)`")
DISPLAYED_FORMULA = re.compile(r"^\.\. math:: *(.+)$", re.MULTILINE)
EXAMPLE = re.compile(r"^(>>> .*(?:\n.*\S.*)*)", re.MULTILINE)
"""A session of Python up to the next blank line."""


class Docstrings(griffe.Extension):
    """Rewrites each docstring before it is parsed."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for every module, class, function and attribute that was read."""
        if obj.docstring is not None:
            names = [each.name for each in obj.parameters] if isinstance(obj, griffe.Function) else []
            obj.docstring.value = laid_out(obj.docstring.value, names)


def laid_out(text: str, names: list[str]) -> str:
    """The docstring of a function with these parameters, a section's content on lines of its own."""
    text = inspect.cleandoc(text)
    text = EXAMPLE.sub(r"```python\n\1\n```", text)
    text = DISPLAYED_FORMULA.sub(r"$$\1$$", INLINE_FORMULA.sub(r"$\1$", text))
    lines: list[str] = []
    within = False
    for line in text.splitlines():
        head = SECTION.match(line)
        if head:
            lines += ["", f"{head[1]}:", f"    {line[head.end() :]}"]
            within = True
        else:
            blank = not line.strip()
            own = re.match(r"^(Args|Returns|Raises|Yields|Example|Examples):$", line)
            within = within and not blank and own is None
            lines += ["", line] if own else [f"    {line}" if within and line.startswith("    ") else line]
    laid = "\n".join(lines)
    for name in names[1:]:  # several parameters that share a line
        laid = re.sub(rf"^( +)(.*\.) ({name}: )", r"\1\2\n\1\3", laid, flags=re.MULTILINE)
    return laid
