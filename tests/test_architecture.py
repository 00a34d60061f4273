"""The rules of ARCHITECTURE.md, held: faces, direction, no circle, what stays free of torch, sizes of folders.

Each rule is a function of source files (`tests/support/import_graph.py`). Here it is asked of ours, and of a small
package that breaks it: a check that cannot fail holds nothing.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.support.import_graph import (
    Modules,
    circle,
    circle_of_modules,
    circle_of_rooms,
    crowded,
    definitions_of,
    folder_of,
    folders_of,
    goes_up,
    hidden_modules,
    imports_of,
    modules_of,
    parsed,
    past_a_face,
    without_docstring,
)

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
CORE, APP = modules_of(ROOT, "lambda_core"), modules_of(ROOT, "app")
MODULES = CORE | APP
IMPORTS = imports_of(MODULES)
MOST_MODULES = 12

# From top to bottom: a room imports from rooms of lower lines only.
LEVELS = [
    {"app"},
    {"commands"},
    {"workflows"},
    {"analysis", "jobs", "training"},
    {"export", "measurement"},
    {"studies"},
    {"adaptation", "selection"},
    {"compiled"},
    {"backbones", "episodes"},
    {"data", "kernels"},
    {"patterns"},
    {"system"},
    {"config", "formatting"},
    {"errors"},
]
TORCH_FREE = [
    "analysis", "commands.main", "config", "data", "errors", "formatting", "jobs", "patterns", "selection", "studies",
    "system",
]  # fmt: skip
HEAVY = ["torch", "scipy.stats", "streamlit", "plotly"]


def test_every_folder_says_what_belongs_there():
    assert without_docstring(MODULES) == []


def test_nobody_passes_a_face_by():
    found = [each for each in IMPORTS if past_a_face(each, MODULES)]
    # the app's folders are used module by module: see app/__init__.py and tests/app/test_imports.py
    mine = [each for each in found if each.module.startswith("lambda_core") or each.name.startswith("_")]
    assert [str(each) for each in mine if each.importer != "lambda_core.__main__"] == []


def test_imports_go_down():
    assert [str(each) for each in IMPORTS if _is_wrong_way(each)] == []


def _is_wrong_way(each):
    is_lazy_face = each.importer == "lambda_core"  # it offers the public names of every room
    of_the_app = each.importer.startswith("app") and each.target(MODULES) == "lambda_core"  # as any user does
    return not is_lazy_face and not of_the_app and goes_up(each, MODULES, LEVELS)


def test_there_is_no_circle():
    assert circle_of_rooms(MODULES, IMPORTS) == []
    inner = [each for each in IMPORTS if each.importer != "lambda_core"]
    assert circle_of_modules(MODULES, inner) == []


def test_no_folder_is_a_warehouse():
    assert crowded(MODULES, MOST_MODULES) == []


def test_no_name_hides_a_module():
    assert hidden_modules(MODULES) == []


@pytest.mark.parametrize("room", [name for name in folders_of(CORE) if name != "lambda_core"])
def test_a_face_offers_what_it_names(room):
    face = import_module(room)
    assert [name for name in getattr(face, "__all__", []) if not hasattr(face, name)] == []


def test_what_is_free_of_torch_stays_so():
    assert loaded_by([f"lambda_core.{name}" for name in TORCH_FREE], HEAVY) == ""


def test_the_command_line_starts_without_pandas():
    assert loaded_by(["lambda_core.commands.main"], ["pandas", "torch"]) == ""


def loaded_by(modules: list[str], packages: list[str]) -> str:
    """Which of these packages a new process has loaded after importing these modules."""
    code = f"import sys\nimport {', '.join(modules)}\nprint(*[name for name in {packages} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_engine_knows_no_screen():
    assert screens_in(CORE) == []


def screens_in(modules: Modules) -> list[str]:
    """Modules that import the app or what it is drawn with."""
    found = []
    for name, file in modules.items():
        for node in ast.walk(parsed(file)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            found += [name for each in names if each.split(".")[0] in ("app", "streamlit", "plotly")]
    return found


# --- the document says the same ------------------------------------------------------------------------------------


def test_the_document_lists_the_same_levels():
    block = re.search(r"```levels\n(.*?)```", DOCUMENT, re.DOTALL)
    assert block, "ARCHITECTURE.md has no list of levels"
    listed = [set(re.split(r"[\s,]+", line.strip())) for line in block.group(1).strip().splitlines()]
    assert listed == LEVELS


def test_the_document_names_every_room():
    rooms = {name.split(".")[1] for name in MODULES if "." in name and not name.endswith(".__main__")}
    table = DOCUMENT.partition("## Rooms")[2].partition("## Rules")[0]
    named = set(re.findall(r"`(?:app/)?(\w+)(?:/|\.py)?`", table))
    assert rooms - {"main", "navigation"} <= named


def test_the_document_lists_what_is_free_of_torch():
    rule = DOCUMENT.partition("loads no torch: ")[2].partition(". So the app")[0]
    assert re.findall(r"`([\w.]+)`", rule) == TORCH_FREE


GUIDE = DOCUMENT.partition("## Three walks")[2].partition("## Glossary")[0]
FILES = sorted(set(re.findall(r"`([\w/]+\.py|[\w/]+/)`", GUIDE)))
PLACES = sorted(set(re.findall(r"`([\w/]+\.py)`\s+`([\w.]+)`", GUIDE)))


def place_of(name: str) -> Path | None:
    """The file or folder that the document calls so: below lambda_core, or from the top."""
    return next((path for path in (ROOT / "lambda_core" / name, ROOT / name) if path.exists()), None)


@pytest.mark.parametrize("name", FILES)
def test_every_file_of_the_walks_is_there(name):
    assert place_of(name)


@pytest.mark.parametrize(("file", "name"), PLACES)
def test_what_is_to_be_looked_at_is_there(file, name):
    assert name in definitions_of(place_of(file))


def test_the_walks_name_nothing_that_is_gone():
    known = {name for file in MODULES.values() for name in definitions_of(file)}
    names = set(re.findall(r"`([A-Za-z_]\w*(?:\.[A-Za-z_]+)?)`", GUIDE))
    assert names - known - {*FILES, "study.json"} == set()
    assert len(PLACES) > 30


# --- the checks can fail -------------------------------------------------------------------------------------------

GOOD = {
    "pack/__init__.py": '"""The package."""\n__all__ = ["Thing"]',
    "pack/low/__init__.py": '"""Low."""\nfrom pack.low.thing import Thing\n__all__ = ["Thing"]',
    "pack/low/thing.py": "class Thing: ...\ndef _secret(): ...\n",
    "pack/low/deep/__init__.py": '"""Deep."""',
    "pack/low/deep/part.py": "from pack.low.thing import Thing\n",
    "pack/high/__init__.py": '"""High."""',
    "pack/high/other.py": "from pack.low import Thing\n",
}
ORDER = [{"high"}, {"low"}]


@pytest.fixture
def package(tmp_path):
    """The package of GOOD, with some files of another content."""

    def make(changes: dict[str, str] | None = None) -> Modules:
        for name, text in (GOOD | {f"pack/{place}.py": text for place, text in (changes or {}).items()}).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return modules_of(tmp_path, "pack")

    return make


def test_a_good_package_breaks_no_rule(package):
    modules = package()
    imports = imports_of(modules)
    assert len(imports) == 3
    assert not any(past_a_face(each, modules) or goes_up(each, modules, ORDER) for each in imports)
    assert circle_of_modules(modules, imports) == circle_of_rooms(modules, imports) == []
    assert without_docstring(modules) == crowded(modules, 1) == hidden_modules(modules) == screens_in(modules) == []


@pytest.mark.parametrize(
    "line",
    [
        "from pack.low.thing import Thing",
        "import pack.low.thing",
        "from pack.low import thing",
        "from pack.low.deep import Part",
        "from pack.low import deep",
        "from ..low.thing import Thing",
        "from pack.low import _secret",
        "def later():\n    from pack.low.thing import Thing",
        "if TYPE_CHECKING:\n    from pack.low.thing import Thing",
    ],
)
def test_a_face_that_is_passed_by_is_found(package, line):
    modules = package({"high/other": line})
    assert [each.importer for each in imports_of(modules) if past_a_face(each, modules)] == ["pack.high.other"]


@pytest.mark.parametrize(
    "line",
    [
        "from pack.high import other",
        "from pack import high",
        "from .. import high",
        "from pack import Thing",
        "import pack",
        "def later():\n    from pack.high import other",
        "if TYPE_CHECKING:\n    from pack.high import other",
    ],
)
def test_an_import_that_goes_up_is_found(package, line):
    modules = package({"low/thing": line})
    assert [each.importer for each in imports_of(modules) if goes_up(each, modules, ORDER)] == ["pack.low.thing"]


def test_rooms_of_one_level_do_not_know_each_other(package):
    modules = package()
    assert [each.importer for each in imports_of(modules) if goes_up(each, modules, [{"high", "low"}])] == [
        "pack.high.other"
    ]


def test_a_room_without_a_place_in_the_list_is_named(package):
    modules = package()
    with pytest.raises(LookupError, match=r"pack\.high"):
        assert [goes_up(each, modules, [{"low"}]) for each in imports_of(modules)]


def test_a_circle_is_found(package):
    modules = package({"low/thing": "def later():\n    import pack.high.other"})
    imports = imports_of(modules)
    assert circle_of_rooms(modules, imports) == ["pack.high", "pack.low", "pack.high"]
    assert circle_of_modules(modules, imports) == ["pack.high.other", "pack.low", "pack.low.thing", "pack.high.other"]
    assert circle({"a": {"b"}, "b": {"c"}}) == []


def test_a_folder_without_a_word_is_found(package):
    assert without_docstring(package({"high/__init__": "", "bare/thing": ""})) == ["pack.bare", "pack.high"]


def test_a_warehouse_is_found(package):
    assert crowded(package({"high/third": "", "high/fourth": ""}), 2) == ["high: 3"]


def test_a_name_that_hides_a_module_is_found(package):
    assert hidden_modules(package({"low/__init__": '"""Low."""\n__all__ = ["thing", "deep"]'})) == [
        "pack.low.deep",
        "pack.low.thing",
    ]
    lazy = '"""The package."""\n_HOMES = {"low": "high"}'
    assert hidden_modules(package({"__init__": lazy})) == ["pack.low"]


@pytest.mark.parametrize("line", ["import streamlit as st", "def f():\n    from plotly import io", "from app import x"])
def test_a_screen_in_the_engine_is_found(package, line):
    assert screens_in(package({"low/thing": line})) == ["pack.low.thing"]


def test_what_a_module_loads_is_seen():
    assert loaded_by(["json"], ["json.decoder", "csv"]) == "json.decoder"


def test_a_folder_is_in_itself(package):
    modules = package()
    assert [folder_of(name, modules) for name in ("pack.low", "pack.low.thing", "pack.low.deep")] == [
        "pack.low",
        "pack.low",
        "pack.low.deep",
    ]
