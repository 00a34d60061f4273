"""The front page in a real browser: the race plays, a layer freezes by keyboard, and Plotly is not waited for."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.serving import PHONE, settled

LANE = ".race .lane:nth-of-type(2)"


def ended(page: Page) -> None:
    expect(page.get_by_role("button", name="Play again")).to_be_visible()


def test_the_race_runs_and_the_fewer_layers_end_first(visit: Visit) -> None:
    page = visit()
    loaded: list[str] = page.evaluate("performance.getEntriesByType('resource').map(e => e.name)")
    assert not [name for name in loaded if "Plotly" in name]
    ended(page)
    widths = page.locator(".race .fill").evaluate_all("all => all.map(each => parseFloat(each.style.width))")
    assert widths[0] == 100
    assert widths[1] < 50
    expect(page.locator(".race .count").first).to_contain_text("right after 5 steps")


def test_a_layer_freezes_by_keyboard_and_keeps_the_focus(visit: Visit) -> None:
    page = visit("?race=1&pattern=00011")
    page.get_by_role("button", name="Update conv4").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**pattern=00001**")
    expect(page.locator(f"{LANE} .title")).to_contain_text("Only the head")
    expect(page.get_by_role("button", name="Update conv4")).to_be_focused()
    page.get_by_role("link", name="Explore every pattern").click()
    expect(page.get_by_label("As text", exact=True)).to_have_value("00001")


def test_quick_clicks_on_layers_all_count(visit: Visit) -> None:
    page = visit("?race=1&pattern=00001")
    for layer in ("conv1", "conv2", "conv3", "conv4"):
        page.get_by_role("button", name=f"Update {layer}").click()
    page.wait_for_url("**pattern=11111**")
    expect(page.locator(f"{LANE} .title")).to_contain_text("All layers")


def test_nothing_moves_for_who_asked_for_that(visit: Visit) -> None:
    page = visit(reduced_motion="reduce", viewport=PHONE)
    ended(page)
    assert page.locator(".race.moving").count() == 0


def test_a_row_of_the_studies_leads_to_explore(visit: Visit) -> None:
    page = visit()
    page.locator(".ll-board tbody a").last.click()
    page.wait_for_url("**/explore?study=**")
    expect(settled(page).locator(".st-key-headline p").first).to_contain_text("faster")


def test_a_link_from_before_there_was_a_front_page_leads_to_explore(visit: Visit) -> None:
    page = visit("?study=other-5w1s&pattern=00111")
    page.wait_for_url("**/explore?**pattern=00111**")
    expect(page.get_by_label("As text", exact=True)).to_have_value("00111")
