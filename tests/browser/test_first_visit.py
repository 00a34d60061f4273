"""The path of someone who comes for the first time: open, understand, choose, take the snippet, run it in a shell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.serving import LAPTOP, PHONE, settled


@pytest.mark.parametrize("viewport", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_from_opening_the_page_to_running_the_snippet(
    visit: Visit, root: Path, tmp_path: Path, viewport: dict[str, int]
) -> None:
    page = visit(viewport=viewport)
    watch_the_race(page)
    understood = understand(page)
    chosen = choose(page)
    assert chosen != understood  # the sentence follows the choice
    program = take_the_snippet(page, tmp_path)
    assert run_in_a_shell(program, root).endswith("of 75 queries right\n")


def watch_the_race(page: Page) -> None:
    """The front page, to the end of the race, and on to the numbers behind it."""
    expect(page.get_by_role("button", name="Play again")).to_be_visible()
    page.get_by_role("link", name="Explore every pattern").click()
    page.wait_for_url("**/explore**")


def test_a_sceptic_opens_what_a_verdict_rests_on(visit: Visit) -> None:
    """By keyboard: the badge, the differences behind it, the command that says the same."""
    page = visit("explore")
    page.locator(".st-key-why-pass-choice button").focus()
    page.keyboard.press("Enter")
    opened = page.locator("[data-testid=stPopoverBody]")
    expect(opened.get_by_text("300 validation episodes")).to_be_visible()
    expect(opened.get_by_role("img", name="Histogram of points lost")).to_be_visible()
    expect(opened.get_by_text("lambda-core select cifar-fs-5w1s --threshold 1")).to_be_visible()


def understand(page: Page) -> str:
    """One sentence and a drawn figure, without a click."""
    sentence = page.locator(".st-key-headline p").first
    expect(sentence).to_contain_text("faster")
    page.wait_for_selector(".st-key-tradeoff .js-plotly-plot .points path", state="attached")
    return sentence.inner_text()


def choose(page: Page) -> str:
    """Nothing at all may be lost: the threshold goes to zero by keyboard."""
    sentence = page.locator(".st-key-headline p").first
    before = sentence.inner_text()
    page.get_by_role("slider", name="Points of accuracy").focus()
    page.keyboard.press("Home")
    expect(sentence).not_to_have_text(before)
    settled(page)
    return sentence.inner_text()


def take_the_snippet(page: Page, folder: Path) -> Path:
    page.get_by_role("tab", name="Take it with you").click()
    save = page.get_by_role("button", name="Save as Python")
    with page.expect_download() as started:
        save.click()
    program = folder / started.value.suggested_filename
    started.value.save_as(program)
    return program


def run_in_a_shell(program: Path, root: Path) -> str:
    """As the visitor would: in a folder where `cached_results` lies."""
    (program.parent / "cached_results").symlink_to(root / "studies")
    done = subprocess.run(
        [sys.executable, program.name], check=False, capture_output=True, text=True, cwd=program.parent,
        env={"PATH": os.environ["PATH"], "LAMBDA_DATA": str(root / "images"), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
