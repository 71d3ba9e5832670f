"""The player of transitions and the matrix of pairs in a real browser: which way it runs, and what a pair shows."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from dashboard.making.transitions import FRAMES
from tests.dashboard.browser.conftest import PATIENCE, Visit

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

expect.set_options(timeout=PATIENCE)

LAST = FRAMES - 1

BACKWARDS = f"""() => {{
  const player = document.querySelector('wp-player');
  const now = Number(player.querySelector('.wp-scrub').value);
  window.reached = Math.max(window.reached || 0, now);
  return window.reached === {LAST} && now < {LAST} - 3 && now > 3;
}}"""

AT_LAST = f"() => Number(document.querySelector('.wp-scrub').value) === {LAST}"


def backwards(page: Page, player: Locator) -> None:
    """Play to and fro, and wait until it runs back."""
    player.get_by_label("Speed").select_option("2")
    player.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function(BACKWARDS)


def test_what_runs_backwards_runs_on_from_the_start(visit: Visit) -> None:
    page = visit.open("transitions")
    player = page.locator("wp-player")
    backwards(page, player)
    player.get_by_label("Repeat").select_option("again")
    page.wait_for_function(AT_LAST, timeout=PATIENCE / 2)


def test_what_runs_backwards_can_be_played_once(visit: Visit) -> None:
    page = visit.open("transitions")
    player = page.locator("wp-player")
    backwards(page, player)
    player.get_by_label("Repeat").select_option("once")
    page.wait_for_function(AT_LAST, timeout=PATIENCE / 2)
    player.get_by_role("button", name="Play", exact=True).click()  # it has come to its end, and begins again
    page.wait_for_function(f"() => Number(document.querySelector('.wp-scrub').value) < {LAST}")
    page.wait_for_function(AT_LAST)


def test_a_new_transition_runs_forwards(visit: Visit) -> None:
    page = visit.open("transitions")
    player = page.locator("wp-player")
    backwards(page, player)
    page.locator('[data-source="p2"][data-target="p4"]').click()
    expect(player.locator("canvas")).to_have_attribute("aria-label", re.compile("^p2 to p4, t = 0.00"))
    assert page.evaluate("document.querySelector('wp-player').way") == 1


def test_pointing_at_a_pair_shows_what_the_model_makes_of_it(visit: Visit) -> None:
    page = visit.open("transitions")
    preview = page.locator(".wp-preview")
    expect(preview).to_be_hidden()
    for pair in ("p2 to p4", "p4 to p2"):
        page.locator(f'.wp-pair[aria-label^="{pair}:"]').hover()
        source, target = pair.split(" to ")
        expect(preview).to_have_attribute("src", re.compile(f"^preview/[0-9a-f]+/{source}/{target}.jpg$"))
        expect(preview).to_be_visible()
        expect(preview).not_to_have_class(re.compile("wp-coming"))
    assert preview.evaluate("(image) => image.naturalWidth / image.naturalHeight") == 5
