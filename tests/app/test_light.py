"""The server needs no torch: its import takes seconds and 400 MB, and only the process that adapts needs them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.conftest import APP

SCRIPT = """
import sys
from streamlit.testing.v1 import AppTest

if __name__ == "__main__":  # the process that adapts reads this file too
    app = AppTest.from_file(sys.argv[1], default_timeout=120)
    app.run()
    for asked in sys.argv[2:]:
        page, _, query = asked.partition("?")
        for each in filter(None, query.split("&")):
            name, _, value = each.partition("=")
            app.query_params[name] = value
        app.switch_page(page)
        app.run()
        assert not app.exception and not app.error and len(app.main.children), app
        print(" ".join(each.value for each in app.markdown))
    sys.exit(3 if "torch" in sys.modules else 0)
"""


def visited(folder: Path, studies: Path, *pages: str) -> str:
    """What is said on the pages; the visit fails where one breaks or torch is imported."""
    script = folder / "visit.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script), str(APP / "script.py"), *pages],
        check=False, capture_output=True, text=True, cwd=APP.parent,
        env={"LAMBDA_STUDIES": str(studies), "PATH": "", "PYTHONPATH": str(APP.parent)},
    )  # fmt: skip
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("page", [[], ["explore/page.py"], ["compare/page.py"], ["about/page.py"], ["run/page.py"]])
def test_torch_stays_out(studies: Path, page: list[str], tmp_path: Path) -> None:
    visited(tmp_path, studies, *page)


@pytest.mark.slow
def test_torch_stays_in_the_process_that_adapts(tmp_path: Path) -> None:
    """Live adapts, then Learn fits a curve; the server that shows both has no torch."""
    for name in ("glyphs-5w1s", "sinusoid"):
        shutil.copytree(APP.parent / "cached_results" / name, tmp_path / "studies" / name)
    told = visited(
        tmp_path, tmp_path / "studies", "live/page.py?study=glyphs-5w1s&data=glyphs", "learn/page.py?scene=1"
    )
    assert "right after" in told
    assert "its error on the points" in told
