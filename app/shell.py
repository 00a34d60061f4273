"""Navigation, and what every page shares."""

import gc
import sys
from pathlib import Path

import streamlit as st

import address
import widgets
from lambda_core.jobs import read_only

VIEWS = Path(__file__).parent / "views"
_settled = {"modules": 0}


def show() -> None:
    """The page that the address asks for."""
    st.set_page_config(page_title="Lambda Lab", page_icon=str(VIEWS.parent / "icon.png"), layout="wide")
    pages = [
        st.Page(VIEWS / "explore.py", title="Explore", default=True),
        st.Page(VIEWS / "live.py", title="Live"),
        st.Page(VIEWS / "learn.py", title="Learn"),
        st.Page(VIEWS / "compare.py", title="Compare"),
        st.Page(VIEWS / "run.py", title="Run", visibility="hidden" if read_only() else "visible"),
        st.Page(VIEWS / "about.py", title="About"),
    ]
    page = st.navigation(pages, position="top")
    st.html(VIEWS.parent / "style.css")
    st.html(VIEWS.parent / f"style-{widgets.theme()}.css")
    address.read_address(page.url_path)
    try:
        widgets.show_notices()
        with widgets.guarded():
            page.run()
    except widgets.PageDone:
        pass
    finally:
        address.write_address()
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
