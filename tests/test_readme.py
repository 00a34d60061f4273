"""The README's tables are those of the shipped studies and of the last comparison with peers."""

from benchmarks.readme import README, renewed


def test_the_tables_are_up_to_date():
    text = README.read_text(encoding="utf-8")
    assert text.count("<!-- end -->") == 2
    assert renewed(text) == text, "run python -m benchmarks.readme"
