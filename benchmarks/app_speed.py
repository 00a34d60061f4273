"""How fast the app answers one visitor: `python -m benchmarks.app_speed`. Starts the real server, headless.

Measured: opening the address in a real Chromium until the figure of Explore is painted (the server just started, then
again); the server's time from a changed control to the new figure, over the websocket, on a study of thousands of
candidates too; the server's memory over many reruns. Beside every time stands the processor time that the server spent,
for a machine that has other work to do.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import psutil
from playwright.sync_api import Browser, sync_playwright

from benchmarks.app_report import cpu, heading, load, server_process, spread, store, told
from benchmarks.app_visitor import Run, Visitor
from lambda_core.studies import Study
from tests.browser.serving import ARGUMENTS, CHROMIUM, LAPTOP, PATIENCE, ROOT, serving
from tests.support.large_study import write_large_study

RACE = ".race .tiles"  # of the front page
SEEN = ".st-key-seen-first-tradeoff img"  # the picture that stands in for the figure
DRAWN = ".st-key-tradeoff .js-plotly-plot .points path"
TEXT_ALONE = "import streamlit as st\nst.header('Text')\nst.markdown('Nothing but text.')\n"


@click.command()
@click.option("--changes", default=200, show_default=True)
@click.option("--reruns", default=1000, show_default=True, help="For the memory; they follow the timed changes.")
@click.option("--opens", default=5, show_default=True, help="Openings in the browser after the first.")
@click.option("--study", default=None, help="By default the one with most candidates.")
@click.option("--seed", default=0, show_default=True)
def main(changes: int, reruns: int, opens: int, study: str | None, seed: int) -> None:
    name = study or largest()
    with tempfile.TemporaryDirectory() as scratch, serving(Path(scratch) / "log", LAMBDA_JOBS=f"{scratch}/jobs") as url:
        server = server_process(urlsplit(url).port)
        heading(f"One visitor, study {name}")
        text = scratch_page(Path(scratch), TEXT_ALONE)
        with serving(Path(scratch) / "text-log", app=str(text)) as text_url:
            opened = open_in_browser(url, text_url, name, opens)
        changed, visitor = change_controls(url, name, changes, server, random.Random(seed))
        memory = watch_memory(visitor, reruns, server, random.Random(seed + 1))
        large = change_at_scale(Path(scratch), changes, random.Random(seed))
    found = {"opened": opened, "changed": changed, "changed, 10,230 candidates × 600 episodes": large, "memory": memory}
    store("one visitor", {"study": name, **found})


def largest() -> str:
    """The shipped study with most candidates, the busiest figure."""
    studies = {path.parent.name: Study.load(path.parent) for path in (ROOT / "cached_results").glob("*/study.json")}
    measured = {name: study for name, study in studies.items() if study.measured}
    return max(measured, key=lambda name: len(measured[name].accuracies))


def scratch_page(folder: Path, script: str) -> Path:
    page = folder / "text.py"
    page.write_text(script)
    return page


def open_in_browser(url: str, text_url: str, study: str, times: int) -> dict[str, Any]:
    """Seconds from the address to the figure that is seen and to the one that answers, beside a page of text alone.

    Each time in a browser profile that knows nothing yet, the two pages by turns.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        figure, text = (SEEN, DRAWN), (".stMarkdown",)
        first = _opened(browser, f"{url}/explore?study={study}", *figure)
        rest, texts, races = [], [], []
        for _ in range(times):
            texts += _opened(browser, text_url, *text)
            races += _opened(browser, url, RACE)
            rest.append(_opened(browser, f"{url}/explore?study={study}", *figure))
        browser.close()
    seen, drawn = ([each[which] for each in rest] for which in (0, 1))
    told("a page of text alone, new browser profile", spread(texts))
    told("the front page races, new browser profile", spread(races))
    told("Explore's figure is seen, server just started", spread(first[:1]))
    told("Explore's figure is seen, new browser profile", spread(seen))
    told("it answers, server just started", spread(first[1:]))
    told("it answers, new browser profile", spread(drawn))
    found = {"text alone": spread(texts), "front": spread(races), "seen": spread(seen), "answers": spread(drawn)}
    return {"first, ms": [round(1000 * each) for each in first], **found, "load average": load()}


# Kept by the page itself: a browser that is busy with Plotly's script answers no question of ours for a second.
PAINTED = """selectors => {
  window.painted = {};
  const hosts = () => [...document.querySelectorAll("*")].filter(each => each.shadowRoot);
  const inside = selector => hosts().some(each => each.shadowRoot.querySelector(selector));
  const find = selector => document.querySelector(selector) ?? inside(selector);
  const found = new Set();
  const frame = () => {
    for (const selector of selectors)
      if (found.has(selector)) window.painted[selector] ??= performance.timeOrigin + performance.now();
      else if (find(selector)) found.add(selector);
    if (Object.keys(window.painted).length < selectors.length) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}"""


def _opened(browser: Browser, url: str, *selectors: str) -> list[float]:
    """Seconds until each was painted: to the first frame after the one before which it was found in the page."""
    context = browser.new_context(viewport=LAPTOP)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.add_init_script(f"({PAINTED})({json.dumps(selectors)})")
    begin = time.time()
    page.goto(url, wait_until="commit")
    page.wait_for_function("selectors => selectors.every(each => window.painted[each])", arg=list(selectors))
    painted = page.evaluate("window.painted")
    context.close()
    return [painted[selector] / 1000 - begin for selector in selectors]


def change_controls(
    url: str, study: str, changes: int, server: psutil.Process, draw: random.Random
) -> tuple[dict[str, Any], Visitor]:
    """Threshold, layers and steps at random, one after the other is answered."""
    visitor = Visitor(url)
    visitor.open("explore", query=f"study={study}")
    before, begin = cpu(server), load()
    runs = [change(visitor, draw) for _ in range(changes)]
    busy = 1000 * (cpu(server) - before) / changes
    figure, page = spread([run.figure or run.end for run in runs]), spread([run.end for run in runs])
    told(f"changed control to new figure, {changes} changes", figure)
    told("the same, to the end of the page", page, f"server's processor {busy:.0f} ms each")
    found = {"figure": figure, "page": page, "processor, ms each": round(busy, 1), "load average": [begin, load()]}
    return found, visitor


def change_at_scale(scratch: Path, changes: int, draw: random.Random) -> dict[str, Any]:
    """The same on a study that is drawn, of 1,023 patterns at 1 to 10 steps on 600 episodes."""
    study = write_large_study(scratch / "large")
    click.echo(f"{study.name}, drawn: 10,230 candidates × 600 episodes")
    with serving(scratch / "large-log", LAMBDA_STUDIES=str(study.parent), LAMBDA_JOBS=f"{scratch}/jobs") as url:
        found, visitor = change_controls(url, study.name, changes, server_process(urlsplit(url).port), draw)
        visitor.close()
    return found


def change(visitor: Visitor, draw: random.Random) -> Run:
    """One control of Explore at random."""
    which = draw.randrange(3)
    if which == 0:
        return visitor.change("threshold-control", double_array_value=[draw.randrange(51) / 10])
    if which == 1:
        layers = [option.content for option in visitor.widgets["pattern-row-0"].options]
        return visitor.change("pattern-row-0", string_array_value=[each for each in layers if draw.random() < 0.5])
    steps = visitor.widgets["steps-control"]
    return visitor.change("steps-control", double_array_value=[draw.randint(int(steps.min), int(steps.max))])


def watch_memory(visitor: Visitor, reruns: int, server: psutil.Process, draw: random.Random) -> dict[str, Any]:
    """The server's resident memory after every tenth of the reruns, in MB."""
    tenth, megabytes = max(1, reruns // 10), {}
    for number in range(1, reruns + 1):
        change(visitor, draw)
        if number % tenth == 0:
            megabytes[number] = round(server.memory_info().rss / 2**20, 1)
    visitor.close()
    click.echo("memory, MB, by reruns: " + ", ".join(f"{at}: {size:.0f}" for at, size in megabytes.items()))
    return {"resident, MB, by reruns": megabytes}


if __name__ == "__main__":
    main()
