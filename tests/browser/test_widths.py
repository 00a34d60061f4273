"""Nothing is cut off, at any width: a tablet and a projector, where phones and laptops have tests of their own."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Visit

TABLET, PROJECTOR = {"width": 820, "height": 1180}, {"width": 1440, "height": 900}
# a choice of buttons is as wide as what it holds, and nothing of the page's own reaches beyond it
CUT = """() => {
  const wider = e => e.scrollWidth > e.clientWidth + 1;
  const beyond = e => e.getBoundingClientRect().right > innerWidth + 1;
  const all = selector => [...document.querySelectorAll(`.stMainBlockContainer ${selector}`)];
  const found = [...all('.stButtonGroup, .stButtonGroup > div, .ll-grid, .stButton p, .stPopover p').filter(wider),
                 ...all('button, input:not([type=range]), img, table, .js-plotly-plot').filter(beyond)];
  return found.map(e => e.outerHTML.slice(0, 120));
}"""


def cut(page: Page) -> list[str]:
    found: list[str] = page.evaluate(CUT)
    return found


@pytest.mark.parametrize(
    "path", ["", "explore", "live", "live?source=draw", "learn?scene=2", "compare", "run", "about"]
)
def test_nothing_is_cut_off_on_a_tablet(visit: Visit, path: str) -> None:
    assert not cut(visit(path, viewport=TABLET))


@pytest.mark.parametrize("scene", [2, 4])
def test_a_scene_on_the_stage_fits_the_screen(visit: Visit, scene: int) -> None:
    page = visit(f"learn?scene={scene}&present=1", viewport=PROJECTOR)
    page.wait_for_selector(".st-key-stage .js-plotly-plot .main-svg", state="attached")
    caption = page.locator(".st-key-scene-presented [data-testid=stCaptionContainer]").last
    bottom = caption.evaluate("e => e.getBoundingClientRect().bottom")
    assert 0.8 * PROJECTOR["height"] < bottom < PROJECTOR["height"]


def test_a_button_that_does_nothing_can_be_read_in_the_dark(visit: Visit) -> None:
    label = visit("learn?scene=5", color_scheme="dark").get_by_role("button", name="Next").locator("p")
    ink = label.evaluate("e => getComputedStyle(e).color.match(/[0-9.]+/g).slice(0, 3).map(Number)")
    assert max(ink) > 60  # the paper is about (20, 25, 27)
