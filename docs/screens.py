"""Takes the pictures of docs/dashboard.md from the dashboard itself, over a store that `make demo` and a search filled.

    wallpaper demo && wallpaper search --preset smoke --trials 12 --no-pictures --no-register
    python -m docs.screens                         # the store that commands use here; Debian's Chromium

A tab is taken when nothing of it is a place-holder any more. It makes no run and moves no alias.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import numpy as np
from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright

from benchmarks.dashboard import CHROMIUM, PATIENCE_S, process
from benchmarks.ports import free_port
from dashboard.pages.tabs import TABS
from dashboard.store import RunRecord, Store
from dashboard.store.source import Source
from docs.paletted import save
from wallpaper.store_address import tracking_uri

WIDTH, DESKTOP, PHONE = 1200, (1200, 750), (390, 844)

OF = {
    "loss": "train_vae",
    "reconstructions": "train_vae",
    "latent": "train_ode",
    "logs": "train_ode",
    "search": "search",
}
"""The run that a tab is shown with, by its phase; the newest that is no trial. Others are shown with any."""

WHOLE = ("groups", "search", "models", "transitions", "overview")
"""Tabs that are taken down to their end."""

SETTLED = """() => {
    const seen = (each) => each.offsetParent;
    const panel = [...document.querySelectorAll(".wp-panels .wp-panel")].find(seen);
    const waits = [...document.querySelectorAll(".wp-skeleton, .q-spinner, .wp-busy")].some(seen);
    const pictures = [...panel.querySelectorAll("img")].filter(seen);
    return panel.innerText.trim() && !waits && pictures.every((each) => each.complete);
}"""

QUIET_MS = 3000
"""After that: figures that are drawn in several steps."""


def runs() -> Sequence[RunRecord]:
    """Of the store, the newest first."""
    store = Store(Source(tracking_uri()))
    store.poll()
    found = list(store.runs)
    store.stop()
    return found


def shown_with(found: Sequence[RunRecord], tab: str) -> str:
    """The id of the run for a tab, empty if there is none."""
    fitting = (run for run in found if run.phase == OF.get(tab, "train_ode") and "search.trial" not in run.tags)
    return next((run.run_id for run in fitting if run.status == "FINISHED"), "")


@contextmanager
def pages(port: int) -> Iterator[tuple[Page, Page]]:
    """A desktop's and a phone's."""
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        wide: ViewportSize = {"width": DESKTOP[0], "height": DESKTOP[1]}
        one = chromium.new_context(viewport=wide)
        narrow: ViewportSize = {"width": PHONE[0], "height": PHONE[1]}
        other = chromium.new_context(viewport=narrow, device_scale_factor=2, is_mobile=True, has_touch=True)
        for context in (one, other):
            context.set_default_timeout(1000 * PATIENCE_S)
        yield one.new_page(), other.new_page()
        chromium.close()


def take(page: Page, name: str, width: int, *, whole: bool) -> None:
    """Write docs/images/dashboard_`name`.png when all is drawn."""
    page.wait_for_function(SETTLED)
    page.wait_for_timeout(QUIET_MS)
    page.wait_for_function(SETTLED)
    pixels = np.asarray(Image.open(io.BytesIO(page.screenshot(full_page=whole))).convert("RGB"))
    save(f"dashboard_{name}.png", pixels, width)
    click.echo(f"docs/images/dashboard_{name}.png")


def main() -> int:
    """All pictures; 1 if the store has not what they show."""
    found = runs()
    missing = sorted({phase for tab, phase in OF.items() if not shown_with(found, tab)})
    if missing:
        click.echo(
            f"{tracking_uri()} must hold finished runs of {', '.join(missing)}: wallpaper demo, wallpaper search"
        )
        return 1
    port = free_port()
    at = f"http://127.0.0.1:{port}/"
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "dashboard.log"
        with process(["dashboard", "--port", str(port)], at, log), pages(port) as (desktop, phone):
            for tab in TABS:
                desktop.goto(f"{at}?run={shown_with(found, tab.name)}&tab={tab.name}")
                take(desktop, tab.name, WIDTH, whole=tab.name in WHOLE)
            phone.goto(f"{at}?tab=transitions")
            take(phone, "phone", 2 * PHONE[0], whole=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
