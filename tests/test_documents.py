"""What the documents show runs, what they point to is there, and their tables are those of the studies."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.readme import DOCUMENTS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(path.relative_to(ROOT) for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
TEXTS = {page: (ROOT / page).read_text(encoding="utf-8") for page in PAGES}
README = TEXTS[Path("README.md")]
PROGRAMS = [
    pytest.param(program, id=f"{page}-{number}")
    for page, text in TEXTS.items()
    for number, program in enumerate(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
]
COMMANDS = sorted({name for text in TEXTS.values() for name in re.findall(r"^    lambda-core ([a-z]+)", text, re.M)})


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_python_programs_run(program, monkeypatch):
    monkeypatch.chdir(ROOT)
    exec(compile(program, "document", "exec"), {})


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_what_a_page_points_to_is_there(page):
    for target in re.findall(r"\]\(((?!http)[^)#]+)\)", TEXTS[page]):
        assert (ROOT / page.parent / target).exists(), target


def test_the_readme_has_exactly_two_set_up_lines_and_is_short():
    assert len(re.findall(r"^    python3 -m venv", README, re.MULTILINE)) == 2
    assert len(README.split()) < 700


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_exist(command):
    from lambda_core.commands.main import main

    assert command in main.commands


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_tables_are_those_of_the_studies_and_of_the_last_comparison(name):
    text = TEXTS[Path(name)]
    assert text.count("<!-- end -->") == {"README.md": 1, "docs/results.md": 3}[name]
    assert DOCUMENTS[name](text) == text, "run python -m benchmarks.readme"


def test_no_document_names_a_module_that_is_not_there():
    for page, text in TEXTS.items():
        for path in re.findall(r"`((?:lambda_core|app|tests|benchmarks)/[\w/]+\.py)`", text):
            assert (ROOT / path).exists(), f"{page}: {path}"
