"""Many visitors at once: browser tabs that explore and adapt live, each at its own address, and what each one sees.

`crowd` opens so many tabs of one headless Chromium on a served app, and lets each go from address to address for so
long. It notes what no visitor may see: an error, another one's episode, a page that never settles.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from urllib.parse import parse_qs, urlparse

import psutil
from playwright.async_api import Browser, Page, async_playwright

from tests.browser.serving import ARGUMENTS, CHROMIUM

SETTLED = "[data-testid=stApp][data-test-script-state=notRunning]"
PATIENCE = 240.0  # seconds that a page may take when fifty others wait too, on two busy cores
FAULTS = "[data-testid=stException], [data-testid=stAlertContentError]"
MEMORY_EVERY = 5.0


@dataclass
class Crowd:
    """What came of it. waits: seconds until a page had settled; memory: bytes of the server and its worker, in time."""

    visits: int = 0
    faults: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    queues_seen: int = 0


def crowd(url: str, server: int, visitors: int, seconds: float, seed: int = 0) -> Crowd:
    """server: number of the process that serves."""
    found = Crowd()
    asyncio.run(_all(url, server, visitors, seconds, seed, found))
    return found


async def _all(url: str, server: int, visitors: int, seconds: float, seed: int, found: Crowd) -> None:
    end = time.monotonic() + seconds
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        watch = asyncio.create_task(_watch(server, found))
        await asyncio.gather(*(_visitor(browser, url, Random(f"{seed} {n}"), end, found) for n in range(visitors)))
        watch.cancel()
        await browser.close()


async def _visitor(browser: Browser, url: str, chance: Random, end: float, found: Crowd) -> None:
    context = await browser.new_context(viewport={"width": 1000, "height": 700})
    page = await context.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    page.on("pageerror", lambda error: found.faults.append(f"script: {error}"))
    try:
        while time.monotonic() < end:
            await _visit(page, url, chance, found)
            await asyncio.sleep(chance.uniform(0.5, 3))
    except Exception as error:
        found.faults.append(f"{type(error).__name__}: {str(error)[:200]}")
    await context.close()


async def _visit(page: Page, url: str, chance: Random, found: Crowd) -> None:
    seed, pattern = chance.randrange(1_000_000), f"{chance.randrange(1, 32):05b}"
    path = chance.choice([f"live?seed={seed}&pattern={pattern}", f"explore?pattern={pattern}&seed={seed}"])
    start = time.monotonic()
    await page.goto(f"{url}/{path}")
    await page.wait_for_selector(".stMainBlockContainer")
    while not await page.query_selector(SETTLED):
        found.queues_seen += "of other visitors come" in await page.content()
        await asyncio.sleep(0.5)
        if time.monotonic() - start > PATIENCE:
            raise TimeoutError(f"{path} never settled")
    found.waits.append(time.monotonic() - start)
    found.visits += 1
    for fault in await page.query_selector_all(FAULTS):
        found.faults.append(f"{path}: {(await fault.inner_text())[:200]}")
    there = {name: texts[0] for name, texts in parse_qs(urlparse(page.url).query).items()}
    if there.get("seed", "7") != str(seed) or there.get("pattern") != pattern:
        found.faults.append(f"{path} became {page.url}: another one's?")


async def _watch(server: int, found: Crowd) -> None:
    while True:
        found.memory.append(_memory_of(server))
        await asyncio.sleep(MEMORY_EVERY)


def server_at(url: str) -> int:
    """The number of the process that serves this address."""
    port = url.rsplit(":", 1)[1]
    return next(
        each.pid for each in psutil.process_iter() if port in _words_of(each) and "streamlit" in _words_of(each)
    )


def _words_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # it has just ended
        return []


def _memory_of(server: int) -> int:
    parent = psutil.Process(server)
    return sum(_quietly(each.memory_info) for each in [parent, *parent.children(recursive=True)])


def _quietly(ask: Callable[[], object]) -> int:
    try:
        return int(ask().rss)  # type: ignore[attr-defined]
    except psutil.NoSuchProcess:
        return 0
