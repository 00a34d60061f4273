"""The fields of the address."""

from __future__ import annotations

import pytest

from app.shared.url_fields import FIELDS, format_value


@pytest.mark.parametrize("name", FIELDS)
def test_every_default_survives_its_own_text(name: str) -> None:
    field = FIELDS[name]
    if field.default is not None:
        assert field.read(format_value(field.default)) == field.default


NONSENSE = [
    "1e999",
    "",
    "<script>",
    "٣",
    "1_0",
    "0" * 5000,
    "../..",
    "a b",
    "-1e-9",
    "NaN",
]  # the first would do as a name


@pytest.mark.parametrize("name", FIELDS)
def test_no_field_takes_nonsense(name: str) -> None:
    for text in NONSENSE[name in ("study", "studies", "data") :]:
        with pytest.raises(ValueError):  # noqa: PT011 (any ValueError becomes the notice)
            FIELDS[name].read(text)
