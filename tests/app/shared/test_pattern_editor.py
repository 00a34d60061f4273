"""The editor for a network of many layers: the last ones at one stroke."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.app.conftest import param

SCRIPT = """
from app.shared import pattern_editor, url_state
from lambda_core.patterns import LambdaPattern

url_state.read_address("explore")
names = [f"block{number}" for number in range(29)] + ["head"]
pattern = pattern_editor.pattern_of("pattern", names, "0" * 29 + "1")
pattern_editor.pattern_editor("pattern", names, pattern, 3)
url_state.write_address()
"""


def test_the_last_layers_of_many_are_set_at_one_stroke() -> None:
    app = AppTest.from_string(SCRIPT, default_timeout=30).run()
    assert not app.exception
    assert app.slider(key="pattern-last").value == 1
    app.slider(key="pattern-last").set_value(4).run()
    assert param(app, "pattern") == "0" * 26 + "1" * 4
    assert app.button_group(key="pattern-row-0").value == ["block26", "block27", "block28", "head"]
    app.button_group(key="pattern-row-0").set_value(["block3", "head"]).run()
    assert app.slider(key="pattern-last").value == 1
