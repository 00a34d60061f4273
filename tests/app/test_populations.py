"""Whoever speaks of certainty says for whom: in the app, on the command line and in the documents."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CERTAINTY = re.compile(r"\b(sure|confidence|error rate|guarantee[ds]?)\b")
POPULATION = re.compile(r"episodes|classes|trainings|rounds|worlds|FOR_WHOM|for_these_episodes")
SOURCES = [*sorted((ROOT / "app").rglob("*.py")), *sorted((ROOT / "lambda_core" / "analysis").rglob("*.py"))]
DOCUMENTS = ["README.md", "docs/findings.md", "docs/results.md", "docs/choices.md", "docs/measuring.md"]


def sentences(path: Path) -> Iterator[str]:
    """Texts of a module that are shown: strings of several words, f-strings as they are written; no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in docstrings or id(node) in inner:
            continue
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            text = ast.unparse(node)
            if len(text.split()) > 4:
                yield text


def written(text: str) -> str:
    """What is written out of an f-string, without what is filled in."""
    return re.sub(r"\{[^{}]*\}", "", text)


def test_sentences_of_the_app_name_their_population() -> None:
    found = [(path.name, text) for path in SOURCES for text in sentences(path) if CERTAINTY.search(written(text))]
    assert len(found) >= 5
    assert [each for each in found if not POPULATION.search(each[1])] == []


@pytest.mark.parametrize("page", DOCUMENTS)
def test_paragraphs_of_the_documents_name_their_population(page: str) -> None:
    paragraphs = (ROOT / page).read_text(encoding="utf-8").split("\n\n")
    words = [text for text in paragraphs if not text.startswith(("|", "<!--"))]
    found = [text for text in words if CERTAINTY.search(text) or "95 %" in text]
    assert found
    assert [text for text in found if not POPULATION.search(text)] == []
