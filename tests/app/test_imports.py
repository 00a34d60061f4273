"""Imports in the app go one way: pages → shared → figures → lambda_core; figures know no Streamlit and no torch."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.app.conftest import APP

PAGES = ["front", "explore", "live", "learn", "compare", "run", "about"]


def imported(path: Path) -> set[str]:
    """The modules that a file imports, wherever in it; those for types alone are left out."""
    found: set[str] = set()
    for node in _run(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def _run(tree: ast.AST) -> list[ast.AST]:
    nodes = []
    for child in ast.iter_child_nodes(tree):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            nodes += [child, *_run(child)]
    return nodes


BELOW = {"figures": set(), "shared": {"figures"}} | {page: {"figures", "shared"} for page in PAGES}


@pytest.mark.parametrize("folder", BELOW)
def test_a_folder_imports_what_lies_below_it(folder: str) -> None:
    for path in (APP / folder).glob("*.py"):
        rooms = {name.split(".")[1] for name in imported(path) if name.startswith("app.")}
        assert rooms <= {folder, *BELOW[folder]}, path


def test_figures_are_made_of_tables_alone() -> None:
    for path in (APP / "figures").glob("*.py"):
        assert not {name.split(".")[0] for name in imported(path)} & {"streamlit", "torch"}, path


@pytest.mark.parametrize("folder", BELOW)
def test_a_folder_says_what_belongs_there(folder: str) -> None:
    words = ast.get_docstring(ast.parse((APP / folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    assert "Belongs here: " in words
    assert "Does not: " in words
    assert len(list((APP / folder).glob("*.py"))) <= 12
