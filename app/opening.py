"""The page that a browser loads first: Streamlit's own, told where its server is.

Below another page's address Streamlit's script asks for the server beside that page first, and at the root only after
two errors: a round trip that every visitor of Explore would wait for. And once Explore's picture is seen, Plotly's
script is fetched and parsed beside all else that the browser does, so that it is at hand when the figure comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

OWN = Path(streamlit.__file__).parent / "static" / "index.html"
PLOTLY = "static/js/PlotlyChart.*.js"  # beside that page
# not before the picture: 4.7 MB would hold up what it needs itself
FETCH = """new MutationObserver((_, watch) => {
  if (!document.querySelector(".st-key-seen-first-tradeoff img")) return;
  watch.disconnect();
  requestAnimationFrame(() => setTimeout(() => document.head.append(
    Object.assign(document.createElement("link"), { rel: "modulepreload", href: PLOTLY }))));
}).observe(document, { childList: true, subtree: true });"""


def routes(pages: Sequence[str]) -> list[Route]:
    """One for each page of the app, by its path; "" is the front page."""
    script = next((path.relative_to(OWN.parent).as_posix() for path in OWN.parent.glob(PLOTLY)), None)
    html = opening_page(OWN.read_text(encoding="utf-8"), pages, script)

    def answer(_: Request) -> HTMLResponse:
        return HTMLResponse(html, headers={"Cache-Control": "no-cache"})

    return [Route(f"/{page}", answer) for page in pages]


def opening_page(own: str, pages: Sequence[str], plotly: str | None = None) -> str:
    """Streamlit's page with our name and, ahead of its scripts, the server's address: the page's own without its name,
    whatever folder a proxy may have put in front.

    plotly: Plotly's script below that address; None: nothing is fetched ahead.
    """
    below = "|".join(filter(None, pages))
    server = f'location.origin + location.pathname.replace(/(?<=\\/)(?:{below})$/, "")'
    fetch = FETCH.replace("PLOTLY", f'window.__streamlit.BACKEND_BASE_URL + "{plotly}"') if plotly else ""
    told = f"<script>window.__streamlit = {{ BACKEND_BASE_URL: {server} }};{fetch}</script>"
    return own.replace("<title>Streamlit</title>", f"<title>Lambda Lab</title>{told}")
