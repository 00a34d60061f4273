"""The page that a browser loads first, and the server's start."""

from __future__ import annotations

import re

import pytest

from app import main, opening

PAGES = ["", "explore", "live"]


def told(path: str) -> str:
    """Where the opening page says that the server is, on a page at that path; as its script would work it out."""
    html = opening.opening_page("<head><title>Streamlit</title></head>", PAGES)
    (expression,) = re.findall(r"pathname\.replace\(/(.*?)\$/, \"\"\)", html)
    return re.sub(expression.replace("\\/", "/") + "$", "", path)


@pytest.mark.parametrize(
    ("path", "server"),
    [
        ("/", "/"),
        ("/explore", "/"),
        ("/lab/live", "/lab/"),
        ("/lab/", "/lab/"),
        ("/other", "/other"),
        ("/xlive", "/xlive"),
    ],
)
def test_the_server_is_beside_the_front_page(path: str, server: str) -> None:
    assert told(path) == server


def test_streamlits_own_page_can_be_told() -> None:
    page = opening.opening_page(opening.OWN.read_text(encoding="utf-8"), PAGES)
    assert page.count("<title>Lambda Lab</title>") == 1
    assert page.index("__streamlit") < page.index('type="module"')
    assert [route.path for route in opening.routes(PAGES)] == ["/", "/explore", "/live"]


def test_every_page_is_known_to_the_server() -> None:
    folders = {page.parent.name for page in main.HERE.glob("*/page.py")}
    assert set(main.PAGES) - {""} == folders - {"front", "shared"}
