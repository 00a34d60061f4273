"""What the documents show runs, what they point to is there, and their tables are those of the studies."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pyarrow as pa
import pytest

from benchmarks.readme import DOCUMENTS
from lambda_core.analysis.claims import one_step_answer
from lambda_core.config import MetaTrainConfig
from lambda_core.data.class_splits import CIFAR_FS, FC100
from lambda_core.studies.tables import TABLES, Column

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
    assert len(README.split()) < 900


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_exist(command):
    from lambda_core.commands.main import main

    assert command in main.commands


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "docs/findings.md",
        "docs/measuring.md",
        "docs/choices.md",
        pytest.param("docs/results.md", marks=pytest.mark.slow),
    ],
)
def test_the_tables_are_those_of_the_studies_and_of_the_last_comparison(name):
    text = TEXTS[Path(name)]
    counts = {"README.md": 3, "docs/results.md": 7, "docs/findings.md": 4, "docs/measuring.md": 1, "docs/choices.md": 2}
    assert text.count("<!-- end -->") == counts[name]
    assert DOCUMENTS[name](text) == text, "run python -m benchmarks.readme"


@pytest.mark.parametrize("page", ["README.md", "docs/findings.md", "docs/results.md"])
def test_the_answer_on_one_step_is_the_same_everywhere(page):
    assert one_step_answer() in " ".join(TEXTS[Path(page)].split())


def test_the_answer_on_one_step_is_that_of_the_experiment():
    found = json.loads((ROOT / "benchmarks/results/one-step.json").read_text(encoding="utf-8"))["found"]
    numbers = re.findall(r"\d+\.\d", one_step_answer())
    added = [found[data][arm]["points above"]["all layers at test"]["points"]
             for data in ("glyphs", "cifar-fs") for arm in ("11111 x 5", "11111 x 1")]  # fmt: skip
    gains = [found[data]["00001 x 1"]["points above"]["11111 x 5"] for data in ("cifar-fs", "glyphs")]
    ends = ("points", "points_low", "points_high")
    gain, cost = gains[0], {name: -gains[1][other] for name, other in zip(ends, ("points", *ends[:0:-1]), strict=True)}
    expected = [min(added), max(added), *(each[name] for each in (gain, cost) for name in ends)]
    assert numbers == [f"{value:.1f}" for value in expected]


def test_no_document_names_a_module_that_is_not_there():
    for page, text in TEXTS.items():
        for path in re.findall(r"`((?:lambda_core|app|tests|benchmarks)/[\w/]+\.py)`", text):
            assert (ROOT / path).exists(), f"{page}: {path}"


@pytest.mark.parametrize("name", TABLES)
def test_the_formats_are_those_of_the_tables(name):
    section = TEXTS[Path("docs/formats.md")].partition(f"\n**{name}**")[2].partition("\n**")[0].partition("\n#")[0]
    listed = re.findall(r"^\| `(\w+)` \| ([^|]*?) \|(?: ([^|]*?))? \|", section, re.MULTILINE)
    assert listed == [(column, *told(about)) for column, about in TABLES[name].items()]


def told(column: Column) -> tuple[str, str]:
    """Type and range of a column as docs/formats.md says them."""
    if pa.types.is_boolean(column.type):
        return "yes or no", ""
    is_word = pa.types.is_dictionary(column.type)
    kind = "word" if is_word else str(column.type)
    kind = {"float": "float32", "double": "float64"}.get(kind, kind)
    limits = "any" if column.low == -float("inf") else f"≥ {column.low:g}"
    limits = f"{column.low:g} to {column.high:g}" if column.high < float("inf") else limits
    return kind, f"{limits} or {'none' if is_word else 'NaN'}" if column.nan else limits


def test_the_formats_tell_every_setting_that_had_another_name():
    renamed = [(item.metadata["formerly"], item.name) for item in fields(MetaTrainConfig) if item.metadata["formerly"]]
    listed = re.findall(r"^\| `(\w+)` \| `(\w+)` \|$", TEXTS[Path("docs/formats.md")], re.MULTILINE)
    assert sorted(listed) == sorted(renamed)


def test_how_many_classes_of_fc100_were_trained_on():
    known = [len(set(FC100[split]) & set(CIFAR_FS["train"])) for split in ("val", "test")]
    sentence = f"{known[0]} of its 20 validation and {known[1]} of its 20 test classes"
    assert sentence in " ".join((ROOT / "docs" / "findings.md").read_text(encoding="utf-8").split())
