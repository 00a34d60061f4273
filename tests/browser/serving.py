"""The app on a free port, and a page of it once nothing moves any more: for the browser tests and the screenshots."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--no-sandbox", "--disable-background-networking", "--use-fake-device-for-media-stream"]
LAPTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
PATIENCE = 1000 * int(
    os.environ.get("LAMBDA_PATIENCE", "60")
)  # milliseconds that a page may take; a busy machine's more


@contextmanager
def serving(log: Path, app: str = "app/main.py", **environment: str) -> Iterator[str]:
    """The address of a running app, ours or another script's; environment: LAMBDA_STUDIES and the like."""
    port = _free_port()
    command = [sys.executable, "-m", "streamlit", "run", app, "--server.port", str(port)]
    with log.open("w") as out:
        process = subprocess.Popen(
            [*command, "--server.headless", "true"], cwd=ROOT, env={**os.environ, **environment}, stdout=out, stderr=out
        )
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


def _wait_for(url: str) -> None:
    end = time.monotonic() + PATIENCE / 1000
    while True:
        try:
            with urllib.request.urlopen(url):
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def settled(page: Page) -> Page:
    """Wait until nothing runs and no skeleton is left."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    page.wait_for_selector(".stMainBlockContainer")
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")
    return page
