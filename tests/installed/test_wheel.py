"""The wheel in an environment and a folder of its own: what README promises works without a checkout.

LAMBDA_INSTALLED names the Python of an environment that the wheel was installed in; .ci/run makes one.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from app.explore.tabs import export
from lambda_core.studies import Study

PYTHON = os.environ.get("LAMBDA_INSTALLED", "")
ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON, reason="LAMBDA_INSTALLED names no environment with the wheel"),
]


@pytest.fixture
def run(tmp_path):
    """run("report", "--all"): the installed command line, in an empty folder with a home of its own."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LAMBDA"))}
    environment = variables | {"HOME": str(tmp_path / "home"), "XDG_DATA_HOME": str(tmp_path / "home/data")}
    place = tmp_path / "elsewhere"
    place.mkdir()

    def start(*arguments, module="lambda_core", code=(0,)):
        command = [PYTHON, *(("-m", module) if module else ()), *arguments]
        done = subprocess.run(
            command, cwd=place, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode in code, done.stderr
        return done.stdout

    start.environment, start.place = environment, place
    return start


def test_the_studies_come_along(run):
    shipped = {path.parent.name for path in (ROOT / "cached_results").glob("*/accuracy.parquet")}
    rows = json.loads(run("report", "--all", "--json"))
    assert {row["study"] for row in rows} <= shipped
    assert len(rows) > 5
    assert json.loads(run("select", rows[0]["study"], "--threshold", "1", "--json", code=(0, 1)))["speed_up"] >= 1


def test_the_programs_of_readme_and_export_run(run):
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert float(run("-c", program, module=None).strip()[len("tensor(") : -1]) > 0.5
    snippet = export.as_python(Study.load("glyphs-5w1s"), "00001", 2, 0.05, "the head")
    assert "queries right" in run("-c", snippet, module=None)


def test_a_study_of_the_package_is_copied_before_it_is_measured_anew(run):
    assert "--threshold 1" in run("time", "glyphs-5w1s", "--repeats", "1", "--anyway")
    own = Path(run.environment["XDG_DATA_HOME"]) / "lambda-lab" / "studies" / "glyphs-5w1s"
    assert "--repeats 1" in json.loads((own / "study.json").read_text())["commands"][-1]


PAGE = """
import lambda_core
from pathlib import Path
from streamlit.testing.v1 import AppTest
main = Path(lambda_core.__file__).parents[1] / "lambda_app" / "app" / "script.py"
app = AppTest.from_file(str(main), default_timeout=120).run()
assert not app.exception, app.exception[0].stack_trace
app = app.switch_page("explore/page.py").run()
assert not app.exception, app.exception[0].stack_trace
print(app.markdown[0].value)
"""


def test_the_front_page_opens_and_explore_shows_a_choice(run):
    assert re.search(r"\d", run("-c", PAGE, module=None))


def test_the_app_answers_on_this_machine_alone(run):
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    command = [PYTHON, "-m", "lambda_core", "app", "--server.port", str(port), "--server.headless", "true"]
    log = run.place / "log"
    with log.open("w") as out:
        app = subprocess.Popen(command, cwd=run.place, env=run.environment, stdout=out, stderr=out, process_group=0)
    try:
        assert _answer(f"http://localhost:{port}/_stcore/health") == b"ok"
    finally:
        os.killpg(app.pid, 15)
        app.wait(20)
    assert "localhost" in log.read_text(), "the shipped settings were not read"
    assert "Network URL" not in log.read_text()


def _answer(url: str) -> bytes:
    for _ in range(300):
        try:
            with urllib.request.urlopen(url) as page:
                return page.read()
        except OSError:
            time.sleep(0.2)
    return b""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into site-packages as it is on Linux")
def test_nothing_takes_a_name_that_is_not_ours(run):
    ours = "from importlib.metadata import files; print(*{path.parts[0] for path in files('lambda-core')})"
    names = set(run("-c", ours, module=None).split())
    assert {"lambda_core", "lambda_app"} <= names
    assert not names & {"app", "tests", "benchmarks", "cached_results"}
