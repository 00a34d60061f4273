"""Many visitors at once: browser tabs that explore and adapt live, each at its own address, and what each one sees.

`crowd_of` serves the app, opens so many tabs of one headless Chromium on it, and lets each go from address to address;
the time begins when all have come. It notes what no visitor may see: an error, another one's episode, a page that never
settles.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from random import Random
from urllib.parse import parse_qs, urlparse

from playwright.async_api import Browser, Page, async_playwright

from tests.browser.serving import ARGUMENTS, CHROMIUM
from tests.faults.crowd_report import MEMORY_EVERY, QUEUE, Crowd, Processes
from tests.faults.crowd_server import ANY, PAUSE, Cores, crowd_served, next_visit, on_cores

SETTLED = "[data-testid=stApp][data-test-script-state=notRunning]"
PATIENCE = 240.0  # seconds that a page may take when fifty others wait too, on two busy cores
LAST = 60.0  # seconds that visits may go on when the time is up
FAULTS = "[data-testid=stException], [data-testid=stAlertContentError]"


def crowd_of(
    scratch: Path, visitors: int, seconds: float, seed: int = 0, server_cores: Cores = ANY, browser_cores: Cores = ANY
) -> Crowd:
    """So many visitors of the app, on a study and images below `scratch`. Nothing of it runs on afterwards.

    server_cores, browser_cores: on which either runs; empty: on any.
    """
    found = Crowd(visitors)
    with crowd_served(scratch, server_cores) as url, on_cores(browser_cores):
        asyncio.run(_all(url, seconds, seed, found))
    return found


async def _all(url: str, seconds: float, seed: int, found: Crowd) -> None:
    processes = Processes(url)
    found.note_memory(processes.memory())
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        watch = asyncio.create_task(_watch(processes, found))
        visitors = [Random(f"{seed} {number}") for number in range(found.visitors)]
        await asyncio.gather(*(_visitor(browser, url, chance, seconds, found) for chance in visitors))
        watch.cancel()
        found.processor_seconds = processes.seconds()
        await browser.close()
    found.memory_at_end = processes.memory()


async def _visitor(browser: Browser, url: str, chance: Random, seconds: float, found: Crowd) -> None:
    context = await browser.new_context(viewport={"width": 1000, "height": 700})
    page = await context.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    page.on("pageerror", lambda error: found.faults.append(f"script: {error}"))
    try:
        try:
            await _visit(page, url, chance, found)
        finally:
            found.arrived()  # the others wait for no one who failed
        while (left := found.left(seconds)) > 0:
            await asyncio.wait_for(_visit(page, url, chance, found), left + LAST)
            await asyncio.sleep(chance.uniform(*PAUSE))
        found.held += 1
    except TimeoutError as error:
        found.cut_off(str(error), is_over=found.left(seconds) <= 0)
    except Exception as error:
        found.faults.append(f"{type(error).__name__}: {str(error)[:200]}")
    await context.close()


async def _visit(page: Page, url: str, chance: Random, found: Crowd) -> None:
    path, seed, pattern = next_visit(chance)
    start = time.monotonic()
    await page.goto(f"{url}/{path}")
    await page.wait_for_selector(".stMainBlockContainer")
    while not await page.query_selector(SETTLED):
        found.queues += map(int, QUEUE.findall(await page.content()))
        await asyncio.sleep(0.5)
        if time.monotonic() - start > PATIENCE:
            raise TimeoutError(f"{path} never settled")
    found.waits.append((path.partition("?")[0], time.monotonic() - start))
    for fault in await page.query_selector_all(FAULTS):
        found.faults.append(f"{path}: {(await fault.inner_text())[:200]}")
    there = {name: texts[0] for name, texts in parse_qs(urlparse(page.url).query).items()}
    if there.get("seed", "7") != seed or there.get("pattern") != pattern:
        found.faults.append(f"{path} became {page.url}: another one's?")


async def _watch(processes: Processes, found: Crowd) -> None:
    while True:
        found.note_memory(processes.memory())
        await asyncio.sleep(MEMORY_EVERY)
