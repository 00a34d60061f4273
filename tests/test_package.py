"""The public names, and what importing costs."""

import subprocess
import sys
from pathlib import Path

import pytest

import lambda_core

LIGHT = ["lambda_core", *(f"lambda_core.{name}" for name in ("patterns", "selection", "studies", "analysis", "jobs"))]


@pytest.mark.parametrize("name", lambda_core.__all__)
def test_every_public_name_resolves(name):
    assert getattr(lambda_core, name) is not None
    assert name in dir(lambda_core)


def test_no_module_hides_a_public_name():
    modules = {path.stem for path in Path(lambda_core.__file__).parent.iterdir()}
    assert not modules & set(lambda_core.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = lambda_core.no_such_name


def test_exploring_imports_no_torch():
    code = f"import sys\nimport {', '.join(LIGHT)}\nprint('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
