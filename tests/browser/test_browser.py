"""The app in a real browser: clicks on the figure, links, the back button, phone, dark, keyboard, downloads."""

from __future__ import annotations

import io
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, TimeoutError, expect

from tests.browser.conftest import Visit
from tests.browser.serving import LAPTOP, PATIENCE, PHONE, serving, settled

PAGES = ["", "explore", "live", "learn?scene=2", "compare", "run", "about"]
POINT = """(wanted) => {
  const plot = document.querySelector('.st-key-tradeoff .js-plotly-plot');
  const trace = plot._fullData.find(t => t.name === wanted && t.customdata && t.customdata.length);
  const {xaxis, yaxis} = plot._fullLayout;
  const at = i => ({x: xaxis._offset + xaxis.d2p(trace.x[i]), y: yaxis._offset + yaxis.d2p(trace.y[i])});
  const inside = p => p.y > yaxis._offset && p.y < yaxis._offset + yaxis._length;
  const point = i => ({...at(i), lamps: trace.text[i], steps: trace.customdata[i][1]});
  const all = [...Array(trace.x.length).keys()].map(point).filter(inside);
  const box = plot.getBoundingClientRect();
  const gap = p => Math.min(...all.filter(q => q !== p).map(q => Math.hypot(q.x - p.x, q.y - p.y)));
  const lonely = all.map(p => ({...p, gap: gap(p)}));
  const best = lonely.sort((a, b) => b.gap - a.gap)[0];
  const pattern = best.lamps.replaceAll("●", "1").replaceAll("○", "0");
  return {x: box.x + best.x, y: box.y + best.y, pattern, steps: best.steps};
}"""


def address(page: Page) -> dict[str, str]:
    return {name: texts[0] for name, texts in parse_qs(urlparse(page.url).query).items()}


def test_a_click_on_the_figure_selects(visit: Visit) -> None:
    page = visit("explore")
    page.wait_for_selector(".st-key-tradeoff .js-plotly-plot .points", state="attached")
    point = page.evaluate(POINT, "fail")
    page.mouse.click(point["x"], point["y"])
    page.wait_for_url("**pattern=**")
    settled(page)
    said = address(page)
    assert (said["pattern"], int(said["steps"])) == (point["pattern"], point["steps"])
    expect(page.get_by_label("As text", exact=True)).to_have_value(point["pattern"])


def test_a_link_shows_the_same(visit: Visit) -> None:
    page = visit("explore?study=other-5w1s&pattern=00011&steps=4&threshold=2.5&tab=take")
    expect(page.get_by_label("As text", exact=True)).to_have_value("00011")
    expect(page.get_by_role("slider", name="Points of accuracy")).to_have_value("2.5")
    expect(page.get_by_text("from lambda_core import")).to_be_visible()
    assert address(page)["study"] == "other-5w1s"


def test_layers_toggle_by_keyboard_and_back_undoes(visit: Visit) -> None:
    page = visit("explore?pattern=00001")
    page.get_by_role("button", name="conv4").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**pattern=00011**")
    expect(page.get_by_label("As text", exact=True)).to_have_value("00011")
    page.go_back()
    expect(page.get_by_label("As text", exact=True)).to_have_value("00001")


def test_three_states_of_a_layer_by_keyboard(visit: Visit) -> None:
    page = visit("explore?pattern=00001&finer=1")
    layer = page.get_by_role("radiogroup", name="conv4")
    layer.get_by_role("radio", name="0", exact=True).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.wait_for_url("**pattern=000n1**")
    expect(layer.get_by_role("radio", name="n", exact=True)).to_be_checked()
    expect(page.get_by_text("the head, and scale and shift of conv4")).to_be_visible()
    expect(page.get_by_text("n scale and shift alone")).to_be_visible()


@pytest.mark.parametrize("pause", [0, 100, 200, 300])
def test_quick_input_is_not_lost(visit: Visit, pause: int) -> None:
    page = visit("explore")
    slider = page.get_by_role("slider", name="Points of accuracy")
    slider.focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(pause)
    page.wait_for_url("**threshold=1.8**")
    settled(page)
    expect(slider).to_have_value("1.8")
    assert address(page)["threshold"] == "1.8"


def test_quick_clicks_on_layers_all_count(visit: Visit) -> None:
    page = visit("explore?pattern=00001")
    for layer in ("conv1", "conv2", "conv3", "conv4"):
        page.get_by_role("button", name=layer).click()
        page.wait_for_timeout(100)
    page.wait_for_url("**pattern=11111**")
    expect(page.get_by_label("As text", exact=True)).to_have_value("11111")


def test_back_returns_to_the_page_as_it_was(visit: Visit) -> None:
    page = visit("explore?study=other-5w1s&pattern=00111&threshold=2")
    page.get_by_role("link", name="Compare").click()
    page.wait_for_url("**/compare?**threshold=2**")
    settled(page).go_back()  # to the bare address that the link led to
    settled(page)
    expect(page.get_by_role("slider", name="Points of accuracy")).to_have_value("2")
    page.go_back()
    expect(page.get_by_label("As text", exact=True)).to_have_value("00111")


def test_choices_survive_turning_pages(visit: Visit) -> None:
    page = visit("explore?study=other-5w1s&pattern=00111")
    page.get_by_role("link", name="Live").click()
    expect(page.get_by_text("A · 00111").first).to_be_visible()
    page.get_by_role("link", name="Explore").click()
    expect(page.get_by_label("As text", exact=True)).to_have_value("00111")
    page.wait_for_url("**study=other-5w1s**")


def test_play_runs_to_the_end_and_stops(visit: Visit) -> None:
    page = visit("live?at=2&steps=4")
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_text("right after 4 steps").first).to_be_visible(timeout=20_000)
    expect(page.get_by_role("button", name="Play")).to_be_visible(timeout=20_000)


def test_a_damaged_link_says_so(visit: Visit) -> None:
    page = visit("explore?threshold=lots&pattern=00001")
    expect(page.get_by_text("should be a number from 0 to 5")).to_be_visible()


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone_has_one_column_and_no_sideways_scroll(visit: Visit, path: str, scheme: str) -> None:
    page = visit(path, viewport=PHONE, color_scheme=scheme)
    assert page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0
    main = page.locator(".stMainBlockContainer")
    assert main.evaluate("e => e.scrollWidth - e.clientWidth") <= 1
    paper = page.locator(".stApp").evaluate("e => getComputedStyle(e).backgroundColor")
    assert (int(paper.split("(")[1].split(",")[0]) < 80) == (scheme == "dark")


def test_a_phone_shows_the_numbers_of_the_current_pattern_whole(visit: Visit) -> None:
    page = visit("explore", viewport=PHONE)
    numbers = page.locator(".st-key-numbers")
    edge = numbers.evaluate("e => e.getBoundingClientRect().right")
    for part in numbers.locator(".stMetric, .stMetric label p, .stMetric [data-testid=stTooltipIcon]").all():
        assert part.evaluate("e => e.getBoundingClientRect().right") <= edge + 1
        assert part.evaluate("e => e.scrollWidth - e.clientWidth") <= 1


@pytest.mark.parametrize("path", PAGES[1:5])
def test_pictures_have_words(visit: Visit, path: str) -> None:
    page = visit(path)
    page.wait_for_selector(".js-plotly-plot")
    for plot in page.locator("[data-testid=stPlotlyChart]").all():
        assert plot.get_attribute("aria-label") or plot.locator("[aria-label]").count()


def test_the_table_downloads(visit: Visit) -> None:
    page = visit("explore?tab=table")
    with page.expect_download() as started:
        page.get_by_role("button", name="CSV", exact=True).click()
    lines = started.value.path().read_text().splitlines()
    assert lines[0].startswith("pattern,steps,lr")
    assert len(lines) == 1 + 311


def test_the_figure_downloads_in_the_kind_asked_for(visit: Visit) -> None:
    for kind in ("svg", "png"):
        page = visit(f"explore?picture={kind}")
        page.wait_for_selector(".st-key-tradeoff .js-plotly-plot .points", state="attached")
        page.locator(".st-key-tradeoff .js-plotly-plot").hover()
        with page.expect_download() as started:
            page.locator(".st-key-tradeoff .modebar-btn[data-title*=Download]").click()
        assert started.value.suggested_filename == f"lambda-lab-tradeoff.{kind}"


def png(color: tuple[int, int, int]) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(sum(color)).integers(-30, 30, (48, 64, 3))
    Image.fromarray(np.clip(noise + color, 0, 255).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


COLORS = [(200, 40, 40), (40, 200, 40), (40, 40, 200), (200, 200, 40), (40, 200, 200)]


def upload(page: Page, number: int, *files: tuple[str, bytes]) -> None:
    given = [{"name": name, "mimeType": "image/png", "buffer": data} for name, data in files]
    shown = page.get_by_text(files[-1][0]).first
    for _ in range(3):  # a rerun that begins just now puts another input in this one's place, and the files are lost
        settled(page).locator("[data-testid=stFileUploaderDropzoneInput]").nth(number).set_input_files(given)
        try:
            shown.wait_for(timeout=PATIENCE / 4)
            return
        except TimeoutError:
            continue
    expect(shown).to_be_visible()


def test_own_images_are_adapted_to_and_recognised(visit: Visit) -> None:
    page = visit("live?source=images")
    for number, color in enumerate(COLORS):
        upload(page, number, (f"{number}.png", png(color)))
        expect(page.get_by_text(f"{number}.png")).to_be_visible()
    upload(page, len(COLORS), ("red.png", png(COLORS[0])), ("blue.png", png(COLORS[2])))
    expect(page.get_by_text("after 5 steps").first).to_be_visible()
    expect(page.locator(".ll-guess")).to_have_count(2 * 2)


def test_a_photo_counts_for_the_class_it_was_taken_of(visit: Visit) -> None:
    page = visit("live?source=images", permissions=["camera"])
    page.get_by_text("Use the camera").click()
    page.wait_for_function("document.querySelector('video')?.readyState === 4")  # before that there is no picture
    page.get_by_role("button", name="Take photo").click()
    expect(page.get_by_text("1: class 1: 1 photo")).to_be_visible()
    expect(page.get_by_text("images of class 2, 3, 4, 5")).to_be_visible()
    page.get_by_role("button", name="Forget all photos").click()
    expect(page.get_by_text("images of class 1, 2, 3, 4, 5")).to_be_visible()


def test_without_a_camera_there_is_another_way(visit: Visit) -> None:
    page = visit("live?source=images")
    page.get_by_text("Use the camera").click()
    expect(page.get_by_text("or upload files instead")).to_be_visible()


def test_a_file_that_is_no_image_says_so(visit: Visit) -> None:
    page = visit("live?source=images")
    upload(page, 0, ("not.png", b"GIF89a, or not even that"))
    expect(page.get_by_text("not.png is no readable PNG, JPEG or WebP image")).to_be_visible()


def test_an_unreadable_image_spares_the_others_and_all_survive_other_pages(visit: Visit) -> None:
    page = visit("live?source=images")
    upload(page, 0, ("0.png", png(COLORS[0])))
    upload(page, 1, ("bad.png", b"no image"))
    upload(page, 2, ("2.png", png(COLORS[2])))
    expect(page.get_by_text("bad.png is no readable")).to_be_visible()
    expect(page.get_by_text("images of class 2, 4, 5")).to_be_visible()
    page.get_by_role("link", name="Explore").click()
    page.wait_for_selector(".st-key-headline p")
    page.get_by_role("link", name="Live").click()
    expect(page.get_by_text("images of class 2, 4, 5")).to_be_visible()
    expect(page.get_by_text("2.png")).to_be_visible()


def test_keys_turn_the_scenes_under_any_focus(visit: Visit) -> None:
    page = visit("learn?scene=3&present=1")
    expect(page.locator(".st-key-scene-presented").get_by_role("slider")).to_be_visible()  # its controls stay
    page.get_by_role("switch", name="Present").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("Scene 4 of 5")).to_be_visible()
    page.keyboard.press("PageUp")
    expect(page.get_by_text("Scene 3 of 5")).to_be_visible()


def test_every_layer_is_in_view_on_a_tablet(visit: Visit) -> None:
    page = visit("explore", viewport={"width": 820, "height": 1180})
    for layer in ("conv1", "conv2", "conv3", "conv4", "head"):
        box = page.get_by_role("button", name=layer).first.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 820


RECORD = """() => {
  window.seen = new Set();
  setInterval(() => {
    for (const [said] of document.body.innerText.matchAll(/right after [0-9]+ step/g)) window.seen.add(said);
  }, 50);
}"""


def test_play_shows_every_step_from_the_first(visit: Visit) -> None:
    page = visit("live?steps=3")
    page.evaluate(RECORD)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("window.seen.has('right after 0 step')")
    page.wait_for_function("window.seen.size === 4")
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def test_a_picture_comes_first_and_goes(visit: Visit) -> None:
    page = visit("explore")
    picture = page.locator(".st-key-seen-first-tradeoff img")
    picture.wait_for(state="attached")
    page.wait_for_selector(".st-key-tradeoff .js-plotly-plot .points path", state="attached")
    expect(picture).to_be_hidden()  # Plotly has taken its place


STROKES = [((3, 3), (140, 140)), ((20, 80), (140, 80)), ((150, 8), (88, 140)), ((20, 140), (160, 4)),
           ((30, 10), (42, 120)), ((120, 5), (90, 145))]  # fmt: skip


def draw(page: Page, number: int, start: tuple[int, int], end: tuple[int, int]) -> None:
    """A stroke on a pad, without waiting for the page to take in the one before."""
    pad = page.locator(".st-key-box-pad-query canvas" if number == 5 else f".st-key-box-pad-{number} canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + start[0], box["y"] + start[1])
    page.mouse.down()
    page.mouse.move(box["x"] + end[0], box["y"] + end[1], steps=6)
    page.mouse.up()


def test_drawn_symbols_are_recognised(visit: Visit) -> None:
    page = visit("live?source=draw")
    expect(page.get_by_role("img", name="pad to draw on")).to_have_count(6)
    for number, (start, end) in enumerate(STROKES):
        draw(page, number, start, end)
    expect(page.get_by_text("after 5 steps").first).to_be_visible()
    expect(page.locator(".ll-guess")).to_have_count(2)


def test_drawings_stay_while_other_pages_are_looked_at(visit: Visit) -> None:
    page = visit("live?source=draw")
    draw(page, 0, *STROKES[0])
    expect(page.get_by_text("symbol 2, 3, 4, 5")).to_be_visible()
    page.get_by_role("link", name="About").click()
    expect(page.get_by_role("heading", name="Words")).to_be_visible()
    page.get_by_role("link", name="Live").click()
    expect(page.get_by_text("symbol 2, 3, 4, 5")).to_be_visible()
    page.get_by_role("button", name="Clear Symbol 1").click()
    expect(page.get_by_text("symbol 1, 2, 3, 4, 5")).to_be_visible()


def test_a_job_is_started_watched_and_cancelled(visit: Visit) -> None:
    page = visit("run?work=sweep")
    page.get_by_role("button", name="Start the sweep").click()
    expect(page.get_by_text("running")).to_be_visible()
    page.reload()
    settled(page)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("cancelled")).to_be_visible()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


def test_a_job_outlives_the_server(tmp_path: Path, chromium: Browser) -> None:
    environment = {"LAMBDA_STUDIES": str(tmp_path / "studies"), "LAMBDA_JOBS": str(tmp_path / "jobs")}
    page = chromium.new_context(viewport=LAPTOP).new_page()
    page.set_default_timeout(PATIENCE)
    with serving(tmp_path / "first.log", **environment) as url:
        page.goto(f"{url}/run")
        page.get_by_role("button", name="Start training").click()
        expect(page.get_by_text("running")).to_be_visible()
    with serving(tmp_path / "second.log", **environment) as url:
        page.goto(f"{url}/run")
        expect(page.get_by_text("running")).to_be_visible()
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_text("cancelled")).to_be_visible()
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_nothing_serious_for_axe(visit: Visit, path: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    page = visit(path, color_scheme=scheme)
    found = axe.Axe().run(page).response["violations"]
    serious = {rule["id"]: _where(rule) for rule in found if rule["impact"] in ("serious", "critical")}
    assert not {name: nodes for name, nodes in serious.items() if nodes}


def _where(rule: dict) -> list[str]:
    """The offending elements, those that Streamlit's own widgets bring left out."""
    return [node["html"][:200] for node in rule["nodes"]]
