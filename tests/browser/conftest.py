"""A real server, a real Chromium: what AppTest cannot see."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.app.data import write_images
from tests.synthetic import write_study

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--no-sandbox", "--disable-background-networking"]
LAPTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running app over two synthetic studies."""
    root = tmp_path_factory.mktemp("served")
    write_study(root / "studies", "cifar-fs-5w1s", episodes=300)
    write_study(root / "studies", "other-5w1s", episodes=60)
    write_images(root / "images" / "cifar-fs")
    port = _free_port()
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "app/main.py",
        "--server.port",
        str(port),
        "--server.headless",
        "true",
    ]
    environment = {**os.environ, "LAMBDA_STUDIES": str(root / "studies"), "LAMBDA_DATA": str(root / "images"),
                   "LAMBDA_JOBS": str(root / "jobs")}  # fmt: skip
    with (root / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            _wait_for(f"http://localhost:{port}/_stcore/health")
            yield f"http://localhost:{port}"
        finally:
            process.terminate()
            process.wait(20)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url):
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


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
        page.set_default_timeout(45_000)
        page.on("console", lambda message: _note(faults, message))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"{server}/{path}")
        return settled(page)

    yield go
    for context in contexts:
        context.close()
    assert not faults


def _note(faults: list[str], message: object) -> None:
    # below a page's address Streamlit first looks for its server beside the page, then at the root: a 404 by design
    if message.type == "error" and "/_stcore/" not in message.location.get("url", ""):
        faults.append(f"{message.text} {message.location}")


def settled(page: Page) -> Page:
    """Wait until nothing runs and no skeleton is left."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")
    return page
