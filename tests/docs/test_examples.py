"""Python examples in the documents: every `>>>` block of a page runs, in its order, and prints what the page says."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = sorted(path for path in DOCS.rglob("*.md") if ">>> " in path.read_text(encoding="utf-8"))


def examples(page: Path) -> doctest.DocTest:
    text = "\n".join(block for block in BLOCK.findall(page.read_text(encoding="utf-8")) if ">>> " in block)
    return doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)


def test_the_reference_and_the_explanation_have_examples() -> None:
    assert {page.parent.name for page in PAGES} >= {"reference", "explanation"}
    for page in PAGES:
        shown = len(re.findall(r"^ *>>> ", page.read_text(encoding="utf-8"), re.MULTILINE))
        assert len(examples(page).examples) == shown, f"{page.name}: an example stands outside of a python block"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_print_what_the_page_says(page: Path) -> None:
    said: list[str] = []
    result = doctest.DocTestRunner(verbose=False).run(examples(page), out=said.append)
    assert result.failed == 0, "".join(said)
