"""Which page the address asks for, and what is done before and after every page."""

import gc
import sys
from pathlib import Path

import streamlit as st

from app.shared import page, url_state
from lambda_core.jobs import read_only

APP = Path(__file__).parent
ASSETS = APP / "assets"
_settled = {"modules": 0}


def show() -> None:
    """The page that the address asks for."""
    st.set_page_config(page_title="Lambda Lab", page_icon=str(ASSETS / "icon.png"), layout="wide")
    explore = st.Page(APP / "explore" / "page.py", title="Explore", url_path="explore")
    asked = st.navigation(
        [
            st.Page(APP / "front" / "page.py", title="Start", default=True),
            explore,
            st.Page(APP / "live" / "page.py", title="Live", url_path="live"),
            st.Page(APP / "learn" / "page.py", title="Learn", url_path="learn"),
            st.Page(APP / "compare" / "page.py", title="Compare", url_path="compare"),
            st.Page(
                APP / "run" / "page.py",
                title="Run",
                url_path="run",
                visibility="hidden" if read_only() else "visible",
            ),
            st.Page(APP / "about" / "page.py", title="About", url_path="about"),
        ],
        position="top",
    )
    if url_state.is_older_link(asked.url_path):
        st.switch_page(explore, query_params=st.query_params.to_dict())
    st.html(ASSETS / "style.css")
    st.html(ASSETS / f"style-{page.theme()}.css")
    url_state.read_address(asked.url_path)
    try:
        page.show_notices()
        with page.guarded():
            asked.run()
        page.show_last_figures()
    except page.StopPage:
        pass
    finally:
        url_state.write_address()
        _set_imports_aside()


def _set_imports_aside() -> None:
    """Keeps what imports made, which lasts as long as the server, out of the collector's sight.

    Streamlit collects garbage after every run; with torch imported that takes an eighth of a second, all of it spent
    on looking at modules.
    """
    if len(sys.modules) > _settled["modules"]:
        _settled["modules"] = len(sys.modules)
        gc.collect()
        gc.freeze()
