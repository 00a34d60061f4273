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


def test_steps_of_many_layers_are_edited_one_at_a_time() -> None:
    app = AppTest.from_string(SCRIPT, default_timeout=30).run()
    app.toggle(key="pattern-grid").set_value(True).run()
    assert [group.key for group in app.button_group if "row" in str(group.key)] == ["pattern-row-0"]
    app.slider(key="pattern-last").set_value(3).run()
    assert param(app, "pattern") == "/".join(["0" * 27 + "111", "0" * 29 + "1"])
    app.button_group(key="pattern-edited").set_value(3).run()
    app.button_group(key="pattern-row-2").set_value(["block0"]).run()
    assert param(app, "pattern") == "/".join(["0" * 27 + "111", "0" * 29 + "1", "1" + "0" * 29])
    app.button_group(key="pattern-edited").set_value(1).run()
    assert app.slider(key="pattern-last").value == 3
    assert not app.exception


FEW = """
from app.shared import pattern_editor, url_state

url_state.read_address("explore")
names = ["block0", "block1", "head"]
pattern = pattern_editor.pattern_of("pattern", names, "001")
finer = pattern_editor.Finer(("block0", "block1"), measured=MEASURED)
pattern_editor.pattern_editor("pattern", names, pattern, 3, finer=finer)
url_state.write_address()
"""


def few(*, measured: bool) -> AppTest:
    return AppTest.from_string(FEW.replace("MEASURED", str(measured)), default_timeout=30).run()


def states(app: AppTest, row: int) -> list[str]:
    """What the choices of a row of layers show."""
    return [app.button_group(key=f"pattern-state-{row}-{name}").value for name in ("block0", "block1", "head")]


def test_scale_and_shift_alone_are_a_third_state_of_a_layer() -> None:
    app = few(measured=False)
    app.toggle(key="pattern-finer").set_value(True).run()
    assert states(app, 0) == ["0", "0", "1"]
    app.button_group(key="pattern-state-0-block1").set_value("n").run()
    assert param(app, "pattern") == "0n1"
    app.button_group(key="pattern-state-0-block0").set_value("1").run()
    app.button_group(key="pattern-state-0-head").set_value("0").run()
    assert param(app, "pattern") == "1n0"
    app.button(key="pattern-LN-Tune").click().run()
    assert param(app, "pattern") == "nn1"
    app.toggle(key="pattern-finer").set_value(False).run()
    assert param(app, "pattern") == "111"
    assert not app.exception


def test_a_layer_without_scale_and_shift_has_two_states() -> None:
    app = few(measured=True)
    assert app.toggle(key="pattern-finer").value  # where they were measured they are seen unasked
    offered = [app.button_group(key=f"pattern-state-0-{name}").options for name in ("block1", "head")]
    assert offered == [["0", "n", "1"], ["0", "1"]]
    app.toggle(key="pattern-finer").set_value(False).run()
    assert app.button_group(key="pattern-row-0").value == ["head"]


def test_each_step_has_three_states_of_its_own() -> None:
    app = few(measured=True)
    app.toggle(key="pattern-grid").set_value(True).run()
    app.button_group(key="pattern-state-1-block0").set_value("n").run()
    assert param(app, "pattern") == "001/n01/001"
    assert states(app, 1) == ["n", "0", "1"]
    assert app.button_group(key="pattern-state-2-block0").label == "block0 · step 3+"
