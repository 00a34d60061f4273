"""What SECURITY.md promises of the source itself: nothing unpickled, nothing evaluated, no shell, localhost only."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [path for room in ("lambda_core", "app") for path in sorted((ROOT / room).rglob("*.py"))]
SPOILT = """
import pickle, subprocess, os, numpy, torch
pickle.loads(b""); eval("1"); exec("1"); os.system("x"); subprocess.run("ls " + x, shell=True); subprocess.run("ls")
torch.load(path); torch.load(path, weights_only=False); numpy.load(path, allow_pickle=True); numpy.load(path)
from marshal import loads
yaml.load(x); tempfile.mktemp(); pandas.read_pickle(x); zipped.extractall()
"""
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
FORBIDDEN_CALLS = {
    "eval", "exec", "compile", "os.system", "os.popen", "tempfile.mktemp", "yaml.load", "read_pickle", "to_pickle",
    "extractall", "__import__",
}  # fmt: skip
RUNNERS = {"run", "call", "Popen", "check_call", "check_output"}


def faults_in(tree: ast.AST) -> Iterator[str]:
    """What a source does that ours must not, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            for name in {each.split(".")[0] for each in names} & FORBIDDEN_MODULES:
                yield f"{node.lineno}: import {name}"
        elif isinstance(node, ast.Call):
            yield from (f"{node.lineno}: {fault}" for fault in _faults_of_call(node))


def _faults_of_call(call: ast.Call) -> Iterator[str]:
    name = ast.unparse(call.func)
    options = {each.arg: ast.unparse(each.value) for each in call.keywords}
    last = name.rsplit(".", 1)[-1]
    if name in FORBIDDEN_CALLS or (last in FORBIDDEN_CALLS and "." in name and last not in ("compile", "eval")):
        yield f"{name}()"
    if options.get("shell", "False") != "False":
        yield f"{name}(shell=…)"
    if name.startswith("subprocess.") and last in RUNNERS and not isinstance(call.args[0], ast.List | ast.Name):
        yield f"{name} of a string"
    if name == "torch.load" and options.get("weights_only") != "True":
        yield "torch.load without weights_only=True"
    if name in ("np.load", "numpy.load") and options.get("allow_pickle") != "False":
        yield "np.load without allow_pickle=False"
    if name in ("np.save", "numpy.save") and options.get("allow_pickle") != "False":
        yield "np.save without allow_pickle=False"
    if options.get("persist", "None") not in ("None", "False") and "cache" in name:
        yield f"{name}(persist=…) is pickle"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_does_what_it_must_not(path: Path) -> None:
    assert list(faults_in(ast.parse(path.read_text(encoding="utf-8")))) == []


def test_the_search_finds_what_it_looks_for() -> None:
    found = " ".join(faults_in(ast.parse(SPOILT)))
    wanted = [
        "import pickle", "import marshal", "eval()", "exec()", "os.system()", "shell=", "of a string", "read_pickle",
        "torch.load", "np.load", "yaml.load()", "mktemp()", "extractall()",
    ]  # fmt: skip
    assert [each for each in wanted if each not in found] == []
    assert found.count("torch.load without") == 2
    assert found.count("np.load without") == 2


def test_the_app_listens_on_this_machine_and_shows_no_traceback() -> None:
    settings = tomllib.loads((ROOT / "app" / ".streamlit" / "config.toml").read_text())
    assert settings["server"]["address"] == "localhost"
    assert settings["server"]["maxUploadSize"] <= 10
    assert settings["client"]["showErrorDetails"] == "none"
    assert settings["browser"]["gatherUsageStats"] is False
    off = {"enableCORS", "enableXsrfProtection", "enableStaticServing"} & settings["server"].keys()
    assert off == set()  # Streamlit's own defaults: cross-site requests are refused, no folder is served


IMPORTERS = ("import_module", "run_path", "run_module", "spec_from_file_location", "SourceFileLoader")


def callers_of(names: tuple[str, ...], sources: list[Path]) -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for path in sources
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rsplit(".", 1)[-1] in names
    }


NAMED = {"app/warm_up.py": "app", "lambda_core/system/worker.py": "lambda_core"}


def test_a_served_app_imports_no_code_of_anybodys() -> None:
    """One place imports by a name that a user gives, and what the app calls never gives it one."""
    ours = {"lambda_core/__init__.py", *NAMED}  # by names of our own modules
    assert callers_of(IMPORTERS, SOURCES) == ours | {"lambda_core/system/own_code.py"}
    app = [path for path in SOURCES if path.is_relative_to(ROOT / "app")]
    assert callers_of(("own_function", *IMPORTERS), app) <= ours


@pytest.mark.parametrize("file", NAMED)
def test_what_is_imported_by_a_name_is_our_own(file: str) -> None:
    """Each name begins with the package's, whatever follows."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    calls = [node for node in nodes if ast.unparse(node.func).rsplit(".", 1)[-1] == "import_module"]
    assert calls
    beginnings = tuple(f"{kind}'{NAMED[file]}." for kind in ("", "f"))
    assert all(ast.unparse(call.args[0]).startswith(beginnings) for call in calls)


def test_security_is_told() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert all(word in text for word in ("pip-audit", "--strict", "LAMBDA_READ_ONLY", "localhost", "private"))
