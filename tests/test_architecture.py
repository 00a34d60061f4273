"""The rules of ARCHITECTURE.md, held: faces, direction, no circle, what stays free of torch, sizes of folders."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

import lambda_core
from tests.support.import_graph import Import, circle, imports_of, modules_of, room_of

ROOT = Path(__file__).resolve().parents[1]
CORE, APP = modules_of(ROOT, "lambda_core"), modules_of(ROOT, "app")
MODULES = CORE | APP
IMPORTS = imports_of(MODULES, ("lambda_core", "app"))
ROOMS = sorted({room_of(name, CORE) for name in CORE} - {"lambda_core"})
MOST_MODULES = 12

# From top to bottom: a room imports from rooms of lower lines only.
LEVELS = [
    {"app"},
    {"commands"},
    {"workflows"},
    {"analysis", "jobs", "training"},
    {"measurement"},
    {"studies"},
    {"adaptation", "selection"},
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


def level_of(module: str) -> int | None:
    """The level of a module; None for lambda_core itself, whose names are resolved on first use."""
    parts = module.split(".")
    if parts[0] == "app":
        return 0
    if len(parts) == 1 or parts[1] in ("__main__",):
        return None
    return next(number for number, level in enumerate(LEVELS) if parts[1] in level)


def goes_up(each: Import) -> bool:
    above, below = level_of(each.importer), level_of(each.module)
    if above is None or below is None:
        return False
    same_room = each.importer.split(".")[:2] == each.module.split(".")[:2] or above == below == 0
    return not same_room and below <= above


def passes_a_face_by(each: Import, files: dict[str, Path]) -> bool:
    """Whether something is taken out of a room from behind its face, or a private name from anywhere else."""
    room = room_of(each.module, files)
    outside = not (each.importer in (room, "lambda_core.__main__") or each.importer.startswith(f"{room}."))
    inside_a_room = room.count(".") >= 1 and files[room].name == "__init__.py" and each.module != room
    return outside and (inside_a_room or each.name.startswith("_"))


def test_every_module_has_its_place_in_the_list():
    for name in CORE:
        assert name.count(".") == 0 or name == "lambda_core.__main__" or level_of(name) is not None, name


def test_imports_go_down():
    assert [str(each) for each in IMPORTS if goes_up(each)] == []


def test_nobody_passes_a_face_by():
    mine = [each for each in IMPORTS if each.module.startswith("lambda_core")]
    assert [str(each) for each in mine if passes_a_face_by(each, CORE)] == []


def test_there_is_no_circle():
    rooms: dict[str, set[str]] = {}
    modules: dict[str, set[str]] = {}
    for each in IMPORTS:
        target = f"{each.module}.{each.name}" if f"{each.module}.{each.name}" in MODULES else each.module
        source_room, target_room = room_of(each.importer, MODULES), room_of(target, MODULES)
        if source_room != target_room and not _is_inside(source_room, target_room):
            rooms.setdefault(source_room, set()).add(target_room)
        if each.importer != target and each.importer not in ("lambda_core",):
            modules.setdefault(each.importer, set()).add(target)
    assert circle(rooms) == []
    assert circle(modules) == []


def _is_inside(one: str, other: str) -> bool:
    return one.startswith(f"{other}.") or other.startswith(f"{one}.")


@pytest.mark.parametrize("room", [*ROOMS, *sorted({room_of(name, APP) for name in APP})])
def test_every_room_says_what_belongs_there(room):
    file = MODULES[room]
    assert file.name == "__init__.py", f"{room} has no face"
    assert ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))), f"{room} has no docstring"


def test_no_folder_is_a_warehouse():
    counts = Counter(file.parent for file in MODULES.values() if file.name != "__init__.py")
    assert {str(folder): count for folder, count in counts.items() if count > MOST_MODULES} == {}


def test_a_face_offers_what_it_names_and_no_name_hides_a_module():
    for room in ROOMS:
        face = import_module(room)
        names = getattr(face, "__all__", [])
        assert [name for name in names if not hasattr(face, name)] == []
        inside = {name.rpartition(".")[2] for name in CORE if room_of(name, CORE) == room and name != room}
        assert not inside & set(names), room
    assert not {name.split(".")[1] for name in CORE if "." in name} & set(lambda_core.__all__)


def test_what_is_free_of_torch_stays_so():
    names = ", ".join(f"lambda_core.{name}" for name in TORCH_FREE)
    heavy = ["torch", "scipy.stats", "streamlit", "plotly"]
    code = f"import sys\nimport {names}\nprint(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_command_line_starts_without_pandas():
    code = "import sys, lambda_core.commands.main; print(*sorted({'pandas', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_engine_knows_no_screen():
    words = re.compile(r"^\s*(?:from|import) (streamlit|plotly|app)\b", re.MULTILINE)
    assert [name for name, file in CORE.items() if words.search(file.read_text(encoding="utf-8"))] == []


def test_the_document_lists_the_same_levels():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    block = re.search(r"```levels\n(.*?)```", text, re.DOTALL)
    assert block, "ARCHITECTURE.md has no list of levels"
    listed = [set(re.split(r"[\s,]+", line.strip())) for line in block.group(1).strip().splitlines()]
    assert listed == LEVELS


# --- the checks can fail -------------------------------------------------------------------------------------------


@pytest.fixture
def bad(tmp_path: Path) -> dict[str, Path]:
    """A package of two rooms that breaks every rule."""
    files = {
        "pack/__init__.py": "",
        "pack/low/__init__.py": '"""Low."""',
        "pack/low/thing.py": "def go():\n    from pack.high.other import _secret\n",
        "pack/high/__init__.py": "",
        "pack/high/other.py": "import pack.low.thing\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return modules_of(tmp_path, "pack")


def test_a_face_that_is_passed_by_is_found(bad):
    found = imports_of(bad, ("pack",))
    assert [each.importer for each in found if passes_a_face_by(each, bad)] == ["pack.high.other", "pack.low.thing"]


def test_a_circle_is_found(bad):
    arrows = {each.importer: {each.module} for each in imports_of(bad, ("pack",))}
    assert circle(arrows) == ["pack.high.other", "pack.low.thing", "pack.high.other"]
    assert circle({"a": {"b"}, "b": {"c"}}) == []


def test_an_import_that_goes_up_is_found():
    assert goes_up(Import("lambda_core.patterns.plan", "lambda_core.selection", "Choice", 1))
    assert goes_up(Import("lambda_core.jobs", "lambda_core.analysis", "choose", 1))
    assert not goes_up(Import("lambda_core.selection.choice", "lambda_core.patterns", "LambdaPattern", 1))
    assert goes_up(Import("lambda_core.errors", "app.shared.page", "x", 1))
