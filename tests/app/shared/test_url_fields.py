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


@pytest.mark.parametrize(
    ("name", "text", "value", "given"),
    [
        ("classes", "0,4,7", (0, 4, 7), [0, 4, 7]),
        ("verdicts", "pass,fail", ("pass", "fail"), ["pass", "fail"]),
        ("studies", "one,two", ("one", "two"), ["one", "two"]),
        ("contains", "0001", "0001", "<0001>"),
    ],
)
def test_a_value_is_the_same_from_its_control_and_from_the_address(
    name: str, text: str, value: object, given: object
) -> None:
    assert FIELDS[name].read(text) == FIELDS[name].taken(given) == value
    assert format_value(value) == text


@pytest.mark.parametrize(("name", "nothing"), [("classes", []), ("verdicts", []), ("studies", []), ("contains", "abc")])
def test_an_empty_control_asks_for_nothing(name: str, nothing: object) -> None:
    assert FIELDS[name].taken(nothing) is None


def test_a_value_twice_in_the_address_counts_once() -> None:
    assert FIELDS["classes"].read("4,0,4") == (4, 0)
