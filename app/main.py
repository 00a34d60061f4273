"""Lambda Lab: `streamlit run app/main.py`. The server; what a visitor sees begins in script.py."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGES = ("", "explore", "live", "learn", "compare", "run", "about")
if str(HERE.parent) not in sys.path:  # streamlit puts only this file's folder there
    sys.path.insert(0, str(HERE.parent))

from streamlit.starlette import App  # noqa: E402

from app import opening, warm_up  # noqa: E402

app = App(HERE / "script.py", routes=opening.routes(PAGES), lifespan=warm_up.while_serving)
