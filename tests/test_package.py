"""The public names."""

from pathlib import Path

import pytest

import lambda_core


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
