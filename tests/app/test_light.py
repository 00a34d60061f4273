"""Opening and exploring need no torch: its import takes seconds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.conftest import APP

SCRIPT = """
import sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file(sys.argv[1], default_timeout=60)
app.run()
if len(sys.argv) > 2:
    app.switch_page(sys.argv[2])
    app.run()
assert not app.exception and len(app.main.children), app
sys.exit(3 if "torch" in sys.modules else 0)
"""


@pytest.mark.slow
@pytest.mark.parametrize("page", [[], ["explore/page.py"], ["compare/page.py"], ["about/page.py"], ["run/page.py"]])
def test_torch_stays_out(studies: Path, page: list[str]) -> None:
    command = [sys.executable, "-c", SCRIPT, str(APP / "script.py"), *page]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=APP.parent,
        env={"LAMBDA_STUDIES": str(studies), "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
