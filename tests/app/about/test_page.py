"""About names what is here."""

from __future__ import annotations

from tests.app.conftest import Open, said


def test_names_the_studies_and_the_words(open_page: Open) -> None:
    app = open_page("about")
    assert "points lost" in said(app)
    assert "cifar-fs-5w1s" in app.table[0].value.to_string()
