"""Every tab in both themes as axe judges it, by WCAG 2.2 A and AA; and a picture of each, to be looked at."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from dashboard.pages.tabs import TABS
from tests.dashboard.browser.conftest import Visit
from tests.dashboard.browser.filled import Filled

pytestmark = [
    pytest.mark.timeout(600),  # the first waits for the store and the dashboard, on busy machines for minutes
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}

EXCEPTED = {("aria-progressbar-name", ".q-loading-bar")}
"""Quasar's own line at the edge of the window, seen for a moment while something loads: it takes no name."""


def violations(page: Page) -> list[str]:
    """What axe finds: rule, element, and why."""
    return [
        f"{found['id']} {node['target']}: {node['failureSummary']}"
        for found in Axe().run(page, options=RULES).response["violations"]
        for node in found["nodes"]
        if (found["id"], *node["target"]) not in EXCEPTED
    ]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_in_any_tab(visit: Visit, store: Filled, screenshots: Path, theme: str) -> None:
    page = visit.open("overview", store.trained)
    if theme == "light":
        page.get_by_role("button", name="Dark or light").click()
    expect(page.locator(f"body.body--{theme}")).to_be_visible()
    found = {}
    for tab in TABS:
        visit.show(tab.name)
        page.screenshot(path=screenshots / f"{tab.name}-{theme}.png", full_page=True)
        found[tab.name] = violations(page)
    page.get_by_role("button", name="Keyboard help").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    found["help"] = violations(page)
    page.keyboard.press("Escape")
    page.locator(".wp-picker").click()
    expect(page.get_by_label("Search runs")).to_be_focused()
    found["picker"] = violations(page)
    assert {place: each for place, each in found.items() if each} == {}


def test_axe_would_find_something(visit: Visit) -> None:
    page = visit.open()
    page.locator(".wp-name").evaluate("(name) => name.style.color = '#333'")
    assert [each.split()[0] for each in violations(page)] == ["color-contrast"]
