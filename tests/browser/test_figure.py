"""Hands on Explore's figure: a zoom stays, a double click shows all, the threshold is dragged, a swipe scrolls."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.serving import PHONE, settled

PLOT = ".st-key-tradeoff .js-plotly-plot"
LAYOUT = f"document.querySelector('{PLOT}')._fullLayout"
RANGES = f"() => [...{LAYOUT}.xaxis.range, ...{LAYOUT}.yaxis.range]"
HEIGHT = f"points => {LAYOUT}.yaxis._offset + {LAYOUT}.yaxis.d2p(points)"


def drawn(page: Page) -> dict[str, float]:
    """Where the figure lies, once it is drawn."""
    settled(page).wait_for_selector(f"{PLOT} .points path", state="attached")
    page.locator(PLOT).scroll_into_view_if_needed()
    box = page.locator(PLOT).bounding_box()
    assert box is not None
    return dict(box)


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=6)
    page.mouse.up()


def swipe(page: Page, start: tuple[float, float], up: float) -> None:
    """One finger, from start, as far as `up` pixels."""
    x, y = start
    touch = page.context.new_cdp_session(page)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for tenth in range(1, 11):
        touch.send(
            "Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y + up * tenth / 10}]}
        )
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_a_zoom_stays_until_a_double_click(visit: Visit) -> None:
    page = visit("explore")
    box, whole = drawn(page), page.evaluate(RANGES)
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.locator(".st-key-tradeoff .modebar-btn[data-title=Zoom]").click()
    drag(page, (box["x"] + 120, box["y"] + 150), (box["x"] + 420, box["y"] + 350))
    page.wait_for_function(f"before => ({RANGES})()[0] > before", arg=whole[0])
    zoomed = page.evaluate(RANGES)
    page.get_by_role("slider", name="Points of accuracy").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**threshold=1.1**")
    page.get_by_role("button", name="conv3").first.click()
    page.wait_for_url("**pattern=**")
    drawn(page)
    page.wait_for_timeout(500)  # the figure made anew
    assert page.evaluate(RANGES) == pytest.approx(zoomed)
    box, before = drawn(page), page.url
    page.mouse.dblclick(box["x"] + 70, box["y"] + box["height"] - 70)  # where no candidate lies
    page.wait_for_function(f"before => Math.abs(({RANGES})()[0] - before) < 1e-6", arg=whole[0])
    assert settled(page).url == before


def test_a_zoom_brings_ticks_of_its_own(visit: Visit) -> None:
    page = visit("explore")
    box = drawn(page)
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.locator(".st-key-tradeoff .modebar-btn[data-title=Zoom]").click()
    drag(page, (box["x"] + 120, box["y"] + 150), (box["x"] + 420, box["y"] + 185))
    page.wait_for_function(f"() => Math.abs({LAYOUT}.yaxis.range[0] - {LAYOUT}.yaxis.range[1]) < 1")
    assert page.locator(f"{PLOT} .ytick").count() > 2


def test_the_threshold_is_dragged_in_the_figure(visit: Visit) -> None:
    page = visit("explore")
    box = drawn(page)
    at, to = (box["y"] + page.evaluate(HEIGHT, points) for points in (1.0, 2.0))
    drag(page, (box["x"] + box["width"] / 2, at), (box["x"] + box["width"] / 2, to))
    page.wait_for_url("**threshold=**")
    expect(page.get_by_role("slider", name="Points of accuracy")).to_have_value("2")


def test_a_swipe_over_the_figure_scrolls_the_page(visit: Visit) -> None:
    page = visit("explore", viewport=PHONE, has_touch=True, is_mobile=True)
    box, ranges = drawn(page), page.evaluate(RANGES)
    scrolled = "() => document.querySelector('.stMain').scrollTop"
    before = page.evaluate(scrolled)
    swipe(page, (box["x"] + box["width"] / 2, 400), -200)
    page.wait_for_function(f"before => ({scrolled})() > before + 100", arg=before)
    assert page.evaluate(RANGES) == pytest.approx(ranges)


def test_a_row_of_the_table_becomes_the_current_pattern(visit: Visit) -> None:
    page = visit("explore?tab=table&contains=01110")
    grid = page.locator(".st-key-candidates .stDataFrameGlideDataEditor").first
    grid.click(position={"x": 12, "y": 35 + 35 * 2 + 17})  # the third row's box, below the head
    page.wait_for_url("**pattern=01110**")
    expect(page.get_by_label("As text", exact=True)).to_have_value("01110")
    assert "steps=3" in settled(page).url
