"""The page that a browser loads first: Streamlit's own, told where its server is.

Below another page's address Streamlit's script asks for the server beside that page first, and at the root only after
two errors: a round trip that every visitor of Explore would wait for.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

OWN = Path(streamlit.__file__).parent / "static" / "index.html"


def routes(pages: Sequence[str]) -> list[Route]:
    """One for each page of the app, by its path; "" is the front page."""
    html = opening_page(OWN.read_text(encoding="utf-8"), pages)

    def answer(_: Request) -> HTMLResponse:
        return HTMLResponse(html, headers={"Cache-Control": "no-cache"})

    return [Route(f"/{page}", answer) for page in pages]


def opening_page(own: str, pages: Sequence[str]) -> str:
    """Streamlit's page with our name and, ahead of its scripts, the server's address: the page's own without its name,
    whatever folder a proxy may have put in front."""
    below = "|".join(filter(None, pages))
    server = f'location.origin + location.pathname.replace(/(?<=\\/)(?:{below})$/, "")'
    told = f"<script>window.__streamlit = {{ BACKEND_BASE_URL: {server} }}</script>"
    return own.replace("<title>Streamlit</title>", f"<title>Lambda Lab</title>{told}")
