"""A real server, a real Chromium: what AppTest cannot see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.browser.serving import ARGUMENTS, CHROMIUM, LAPTOP, PATIENCE, serving, settled
from tests.support.images import write_images
from tests.support.synthetic import write_study

expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two synthetic studies and a small data set."""
    root = tmp_path_factory.mktemp("served")
    write_study(root / "studies", "cifar-fs-5w1s", episodes=300)
    write_study(root / "studies", "other-5w1s", episodes=60)
    write_images(root / "images" / "cifar-fs")
    return root


@pytest.fixture(scope="session")
def server(root: Path) -> Iterator[str]:
    """The address of a running app over those."""
    places = {"LAMBDA_STUDIES": "studies", "LAMBDA_DATA": "images", "LAMBDA_JOBS": "jobs"}
    with serving(root / "log", **{name: str(root / place) for name, place in places.items()}) as url:
        yield url


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium is installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


Visit = Callable[..., Page]


@pytest.fixture
def visit(chromium: Browser, server: str) -> Iterator[Visit]:
    """visit("live?seed=3", viewport=PHONE, color_scheme="dark"): that page, settled; no console error is let pass."""
    faults: list[str] = []
    contexts = []

    def go(path: str = "", **options: object) -> Page:
        contexts.append(chromium.new_context(**{"viewport": LAPTOP, **options}))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: _note(faults, message))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"{server}/{path}")
        return settled(page)

    yield go
    for context in contexts:
        context.close()
    assert not faults


def _note(faults: list[str], message: ConsoleMessage) -> None:
    # below a page's address Streamlit first looks for its server beside the page, then at the root: a 404 by design
    if message.type == "error" and "/_stcore/" not in message.location.get("url", ""):
        faults.append(f"{message.text} {message.location}")
