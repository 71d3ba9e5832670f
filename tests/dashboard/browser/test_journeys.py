"""What people do with the dashboard, done in a real browser; nothing may go wrong in any page on the way."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, expect

from dashboard.making.transitions import FRAMES
from dashboard.pages.header import KEYS
from dashboard.pages.tabs import TABS
from tests.dashboard.browser.conftest import PATIENCE, PHONE, Visit
from tests.dashboard.browser.filled import LIVE_EPOCHS, Filled
from wallpaper.patterns import generate_pattern
from wallpaper.pictures.render import render

pytestmark = [
    pytest.mark.timeout(600),  # the first waits for the store and the dashboard, on busy machines for minutes
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

expect.set_options(timeout=PATIENCE)

TRIAL = 4 * PATIENCE
"""For what a command in a process of its own answers."""

LAST_EPOCH = "() => Math.max(...document.querySelector('.wp-figure').data.flatMap((trace) => trace.x))"
CLIPPED = """() => [...document.querySelectorAll('.wp-header, .wp-status, .wp-panel, .wp-card')]
  .filter((box) => box.offsetParent && box.scrollWidth > box.clientWidth).map((box) => box.className)"""
POINT = """() => {
  const figure = document.querySelector('.wp-figure');
  const {x, y} = figure.data.find((trace) => trace.type === 'scattergl');
  const {xaxis, yaxis} = figure._fullLayout;
  const box = figure.getBoundingClientRect();
  return [box.x + xaxis._offset + xaxis.d2p(x[0]), box.y + yaxis._offset + yaxis.d2p(y[0])];
}"""
BRUSHED = """() => document.querySelector('.parcoords').closest('.js-plotly-plot').data[0].dimensions
  .filter((axis) => axis.constraintrange)"""
ZOOM = "() => document.querySelector('.wp-figure')._fullLayout.xaxis.range"


def test_the_outline_is_there_before_any_script_and_gives_way_to_the_page(
    context: BrowserContext, address: str
) -> None:
    outline, page = context.new_page().locator("#wp-shell"), context.pages[0]
    context.route("**/*.js", lambda route: route.abort())
    page.goto(address)
    expect(outline).to_be_visible()
    expect(outline).to_have_text("wallpaper")
    box = outline.locator("header").bounding_box()
    assert box is not None
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 1440, 56)
    context.unroute("**/*.js")
    page.goto(address)
    page.locator(".wp-header").wait_for()
    expect(outline).to_be_hidden()
    assert page.locator(".wp-header").bounding_box() == box


def test_a_training_is_watched_and_a_zoom_stays_while_it_streams(visit: Visit, store: Filled) -> None:
    page = visit.open("loss", store.live.run_id)
    page.evaluate("window.loadedOnce = true")
    status = page.get_by_role("group", name="Training status")

    def trained_on() -> None:
        epoch = store.train(2)
        expect(status).to_contain_text(f"{epoch} / {LIVE_EPOCHS}")
        page.wait_for_function(f"({LAST_EPOCH})() === {epoch}")

    trained_on()
    expect(page.locator(".wp-state")).to_have_text("Live")
    loss = status.inner_text()
    whole = page.evaluate(ZOOM)
    drag(page, page.locator(".wp-figure .nsewdrag").first, (0.2, 0.5), (0.6, 0.5))
    page.wait_for_function(f"JSON.stringify(({ZOOM})()) !== '{str(whole).replace(' ', '')}'")
    zoomed = page.evaluate(ZOOM)
    assert whole[0] < zoomed[0] < zoomed[1] < whole[1]
    trained_on()
    assert page.evaluate(ZOOM) == zoomed
    assert status.inner_text() != loss
    assert page.evaluate("window.loadedOnce"), "the page must not have been loaded anew"


def drag(page: Page, area: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    """With the mouse, between two places given as shares of an element's width and height."""
    box = area.bounding_box()
    assert box is not None
    (x0, y0), (x1, y1) = (
        (box["x"] + across * box["width"], box["y"] + down * box["height"]) for across, down in (start, end)
    )
    page.mouse.move(x0, y0)
    page.mouse.down()
    page.mouse.move((x0 + x1) / 2, (y0 + y1) / 2, steps=4)
    page.mouse.move(x1, y1, steps=4)
    page.mouse.up()


def choose(page: Page, field: str, option: str) -> None:
    """An option of a select."""
    page.get_by_label(field, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def shown(page: Page, pair: str) -> Locator:
    """The player, once it shows a transition of these groups."""
    player = page.locator("wp-player:not(.wp-waiting)")
    expect(player.locator("canvas")).to_have_attribute("aria-label", starts_with(pair))
    return player


def starts_with(text: str) -> re.Pattern[str]:
    return re.compile(f"^{re.escape(text)}")


def test_a_transition_is_made_played_scrubbed_and_kept(visit: Visit, tmp_path: Path) -> None:
    page = visit.open("transitions")
    choose(page, "From", "p3")
    choose(page, "To", "p6")
    page.get_by_role("button", name="Generate").click()
    player = shown(page, "p3 to p6")
    time, scrub = player.locator(".wp-time"), player.get_by_label("Time", exact=True)
    expect(time).to_have_text("t 0.00")
    player.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("document.querySelector('.wp-scrub').value > 3")
    player.get_by_role("button", name="Pause", exact=True).click()
    expect(player.locator(".wp-now")).to_have_text("keeps p3")
    scrub.fill(str(FRAMES // 2))
    expect(time).to_have_text("t 0.50")
    middle = picture(player)
    player.get_by_role("button", name="Go to t = 1.00").click()
    expect(player.locator(".wp-now")).to_have_text("exactly p6")
    assert picture(player) != middle
    with page.expect_download() as waiting:
        player.get_by_role("button", name="GIF").click()
    waiting.value.save_as(tmp_path / waiting.value.suggested_filename)
    with Image.open(tmp_path / "p3_to_p6_movie.gif") as kept:
        assert (kept.format, kept.n_frames) == ("GIF", FRAMES)  # type: ignore[attr-defined]


def picture(player: Locator) -> str:
    """What the player's canvas shows."""
    return str(player.locator("canvas").evaluate("(canvas) => canvas.toDataURL()"))


def test_a_picture_of_ones_own_is_judged_and_starts_a_transition(visit: Visit) -> None:
    page = visit.open("transitions")
    page.get_by_role("button", name="Own picture").click()
    give(page, b"This is a text.")
    certificate = page.locator(".wp-found")
    expect(certificate).to_contain_text("This is not a whole PNG")
    pattern, stream = generate_pattern("p4g", 3, 96), io.BytesIO()
    Image.fromarray(render(pattern.pixels, pattern.lattice, size=260, cells=3.0)).save(stream, "PNG")
    give(page, stream.getvalue())
    expect(certificate).to_contain_text("This is p4g (p4gm, orbifold 4*2), with a certainty")
    assert page.get_by_label("From", exact=True).input_value() == "p4g"
    expect(shown(page, "p4g to p6m").locator(".wp-now")).to_have_text("exactly p4g")


def give(page: Page, content: bytes) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a picture").click()
    chooser.value.set_files({"name": "own.png", "mimeType": "image/png", "buffer": content})


def test_a_sample_packed_with_the_champion_starts_a_transition(visit: Visit) -> None:
    page = visit.open("transitions")
    page.get_by_role("button", name="Sample", exact=True).click()
    expect(page.get_by_role("group", name="Sample")).to_contain_text("No patterns are packed with this model")
    choose(page, "Model", "wallpaper-transition 1 @champion")
    choose(page, "From", "p4g")
    page.get_by_role("button", name="Sample p4g-2").click()
    expect(shown(page, "p4g to p6m").locator(".wp-now")).to_have_text("exactly p4g")
    expect(page.get_by_role("button", name="Sample p4g-2")).to_have_attribute("aria-pressed", "true")


def test_pointing_at_a_latent_point_shows_its_pattern(visit: Visit, store: Filled) -> None:
    page = visit.open("latent", store.trained)
    tile = page.locator(".wp-hover-tile")
    expect(tile).to_be_hidden()
    x, y = page.evaluate(POINT)
    with page.expect_response(lambda got: got.url.endswith("/latent_patterns.jpg")):
        page.mouse.move(x - 4, y)
        page.mouse.move(x, y)
    expect(tile).to_be_visible()
    page.mouse.move(4, 4)
    expect(tile).to_be_hidden()


def test_a_brush_filters_the_trials_until_it_is_cleared(visit: Visit) -> None:
    page = visit.open("search")
    axis = page.locator(".parcoords .axis-brush").first
    axis.scroll_into_view_if_needed()
    drag(page, axis, (0.5, 0.3), (0.5, 0.75))
    expect(page.get_by_text("2 of 6 trials, brushed")).to_be_visible()
    rows = page.locator(".wp-table tbody tr")
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="Dark or light").click()  # the figure is drawn anew
    expect(page.locator("body.body--light")).to_be_visible()
    page.wait_for_function(f"({BRUSHED})().length === 1")
    page.get_by_role("button", name="Clear the brush").click()
    expect(rows).to_have_count(6)
    page.wait_for_function(f"({BRUSHED})().length === 0")


def test_on_a_phone_every_tab_fits_and_the_menu_works(visit: Visit, store: Filled, screenshots: Path) -> None:
    visit.page.set_viewport_size(PHONE)
    page = visit.open("overview")
    picker = page.locator(".wp-picker")
    expect(picker).to_contain_text("tonight")
    picker.click()
    page.get_by_label("Search runs").fill("first")
    page.get_by_role("option", name="first night").click()
    expect(picker).to_contain_text("first night")
    for tab in TABS:
        visit.show(tab.name)
        width, window = page.evaluate("[document.scrollingElement.scrollWidth, window.innerWidth]")
        assert width <= window == PHONE["width"], tab.name
        assert page.evaluate(CLIPPED) == [], tab.name
        page.screenshot(path=screenshots / f"{tab.name}-phone.png", full_page=True)


def test_the_theme_outlasts_a_reload(visit: Visit) -> None:
    page = visit.open()
    expect(page.locator("body.body--dark")).to_be_visible()
    page.get_by_role("button", name="Dark or light").click()
    expect(page.locator("body.body--light")).to_be_visible()
    page.reload()
    visit.drawn("overview")
    expect(page.locator("body.body--light")).to_be_visible()


def test_keys_do_what_the_help_says(visit: Visit) -> None:
    page = visit.open()
    page.keyboard.press("?")
    keys = page.get_by_role("dialog")
    expect(keys).to_contain_text("show a tab")
    assert [row.locator(".wp-key").inner_text() for row in keys.locator(".wp-help-row").all()] == [
        key for key, _ in KEYS
    ]
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    for number, tab in enumerate(TABS, 1):
        page.keyboard.press(str(number))
        expect(page.get_by_role("tab", name=tab.title, exact=True)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("d")
    expect(page.locator("body.body--light")).to_be_visible()
    page.keyboard.press("r")
    expect(page.get_by_label("Search runs")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Search runs")).to_be_hidden()


def test_the_matrix_is_walked_with_arrows(visit: Visit) -> None:
    page = visit.open("transitions")
    page.locator('.wp-pair[aria-pressed="true"]').focus()
    for key, reached in (("ArrowLeft", "p1 to p6"), ("ArrowDown", "pm to p6"), ("ArrowUp", "p1 to p6")):
        page.keyboard.press(key)
        expect(page.locator(".wp-pair:focus")).to_have_attribute("aria-label", starts_with(f"{reached}:"))
    page.keyboard.press("Enter")
    shown(page, "p1 to p6,")


IN_SIGHT = """() => {
    const left = document.querySelector(".wp-matrix-scroll").getBoundingClientRect().left;
    const names = [...document.querySelectorAll(".wp-line-name")].map((each) => each.getBoundingClientRect());
    return left > 0 && names.length === 17 && names.every((name) => name.width > 0 && name.left >= left);
}"""


@pytest.mark.parametrize("width", [1200, PHONE["width"]])
def test_the_matrix_s_rows_keep_their_names_in_sight(visit: Visit, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 844})
    page = visit.open("transitions")
    page.locator('[data-source="cmm"][data-target="p6m"]').click()  # scrolls there
    expect(page.locator('[data-source="cmm"][data-target="p6m"][aria-pressed="true"]')).to_be_visible()  # drawn anew
    page.wait_for_function(IN_SIGHT)  # waits: the grid is drawn anew when more is known of the pairs


@pytest.mark.slow
def test_a_version_is_promoted_past_a_gate(visit: Visit) -> None:
    page = visit.open("models")
    rows = page.locator(".wp-registry").first.locator("tbody tr")
    page.get_by_role("button", name="Promote…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Promote version 2 of wallpaper-transition")
    promote = dialog.get_by_role("button", name="Promote past")
    expect(promote).to_be_disabled(timeout=TRIAL)
    expect(dialog.get_by_role("row").filter(has_text="PSNR, test")).to_contain_text("24")
    dialog.get_by_text("Promote although gates do not hold").click()
    dialog.get_by_label("Reason, needed to force").fill("to try it")
    promote.click()
    expect(dialog).to_be_hidden(timeout=TRIAL)
    expect(rows.filter(has_text="by force")).to_contain_text("champion")
