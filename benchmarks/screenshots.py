"""Screenshots of every page, for the README: `python -m benchmarks.screenshots`.

They show the shipped studies, or those of $LAMBDA_STUDIES; pages that need a data set use $LAMBDA_DATA.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import click
from playwright.sync_api import Browser, sync_playwright

from tests.browser.serving import ARGUMENTS, CHROMIUM, LAPTOP, PATIENCE, PHONE, ROOT, serving, settled

PAGES = {
    "start": "",
    "explore": "explore",
    "explore-take": "explore?tab=take",
    "live": "live?at=3",
    "learn": "learn?scene=2",
    "learn-present": "learn?scene=4&present=1",
    "compare": "compare",
    "run": "run",
    "about": "about",
}
LOOKS = {
    "": {"viewport": LAPTOP, "color_scheme": "light"},
    "-dark": {"viewport": LAPTOP, "color_scheme": "dark"},
    "-phone": {"viewport": PHONE, "color_scheme": "light"},
}
TALL = {"explore-take": 1500, "live": 1500, "compare": 1100}  # pixels, where a laptop's screen cuts what matters


@click.command()
@click.option("--out", default=ROOT / "docs" / "screenshots", type=click.Path(path_type=Path), show_default=True)
@click.option("--only", multiple=True, type=click.Choice(list(PAGES)), help="These pages only.")
def main(out: Path, only: tuple[str, ...]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        with serving(Path(scratch) / "log", LAMBDA_JOBS=f"{scratch}/jobs") as url:
            for name in only or PAGES:
                shoot_looks(browser, f"{url}/{PAGES[name]}", TALL.get(name, 0), out / name)
        browser.close()


def shoot_looks(browser: Browser, url: str, height: int, stem: Path) -> None:
    for look, options in LOOKS.items():
        path = stem.with_name(f"{stem.name}{look}.png")
        shoot(browser, url, options, height, path)
        click.echo(path)


def shoot(browser: Browser, url: str, options: dict[str, object], height: int, path: Path) -> None:
    size = options["viewport"]
    context = browser.new_context(**{**options, "viewport": {**size, "height": max(height, size["height"])}})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(url)
    settled(page)
    page.wait_for_timeout(2500)  # figures draw themselves after the page has settled
    page.screenshot(path=path)
    context.close()


if __name__ == "__main__":
    main()
