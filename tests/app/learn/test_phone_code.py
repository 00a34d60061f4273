"""The scene's address as a QR code, where a phone can reach it."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
import segno
from streamlit.runtime.context import ContextProxy

from app.learn import phone_code
from tests.app.conftest import Open


def test_the_code_is_that_of_the_address() -> None:
    html = phone_code.code("http://192.0.2.7:8501/learn?scene=2&steps=3")
    assert 'alt="QR code of http://192.0.2.7:8501/learn?scene=2&amp;steps=3"' in html
    size = segno.make("http://192.0.2.7:8501/learn?scene=2&steps=3", error="m").symbol_size(scale=8, border=3)[0]
    assert re.search(f"width=\"{size}\"|width='{size}'", unquote(html).replace("&#x27;", "'"))


@pytest.mark.parametrize(("url", "shown"), [("http://localhost:8501/learn", 0), ("http://192.0.2.7:8501/learn", 1)])
def test_it_is_shown_where_phones_can_reach_the_app(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, url: str, shown: int
) -> None:
    monkeypatch.setattr(ContextProxy, "url", property(lambda _: url))
    app = open_page("learn", scene="2", present="1", steps="3")
    codes = [part.proto.body for part in app.get("html") if "QR code" in part.proto.body]
    assert len(codes) == shown
    assert all("steps=3" in each and "scene=2" in each and "present" not in each for each in codes)
