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


FEW = SCRIPT.replace("range(29)", "range(2)").replace('"0" * 29 + "1"', '"001"')


def test_scale_and_shift_alone_are_a_third_state_of_a_layer() -> None:
    app = AppTest.from_string(FEW, default_timeout=30).run()
    app.toggle(key="pattern-finer").set_value(True).run()
    app.button_group(key="pattern-scales-0").set_value(["block1"]).run()  # of a layer that is off: turns it on
    assert param(app, "pattern") == "0n1"
    assert app.button_group(key="pattern-row-0").value == ["block1", "head"]
    app.button_group(key="pattern-row-0").set_value(["block0", "block1"]).run()
    assert param(app, "pattern") == "1n0"
    app.button_group(key="pattern-row-0").set_value(["block0"]).run()
    assert param(app, "pattern") == "100"
    app.button(key="pattern-LN-Tune").click().run()
    assert param(app, "pattern") == "nn1"
    app.toggle(key="pattern-finer").set_value(False).run()
    assert param(app, "pattern") == "111"
    assert not app.exception
