"""Who imports whom, read from the source: for the rules of ARCHITECTURE.md."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Import:
    """`from module import name` (name empty: `import module`) in the file of `importer`, a dotted module name."""

    importer: str
    module: str
    name: str
    line: int

    def __str__(self) -> str:
        return f"{self.importer}, line {self.line}: from {self.module} import {self.name}"


def modules_of(root: Path, package: str) -> dict[str, Path]:
    """Dotted name → file of every module of the package, those of the folders themselves included."""
    files = sorted((root / package).rglob("*.py"))
    names = (".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__") for file in files)
    return dict(zip(names, files, strict=True))


def imports_of(modules: dict[str, Path], packages: tuple[str, ...]) -> list[Import]:
    """Every import of one of the packages, also in functions and under TYPE_CHECKING."""
    found = []
    for importer, file in modules.items():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in packages:
                found += [Import(importer, node.module, alias.name, node.lineno) for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names if alias.name.split(".")[0] in packages]
                found += [Import(importer, name, "", node.lineno) for name in names]
    return found


def room_of(module: str, files: dict[str, Path]) -> str:
    """The folder that a module lies in, such as lambda_core.patterns; a folder is in itself."""
    is_folder = module in files and files[module].name == "__init__.py"
    return module if is_folder else module.rpartition(".")[0]


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """Some circle of the arrows, its first place repeated at the end; empty where there is none."""
    done: set[str] = set()

    def walk(place: str, path: list[str]) -> list[str]:
        if place in path:
            return [*path[path.index(place) :], place]
        if place in done:
            return []
        for other in sorted(arrows.get(place, set())):
            if found := walk(other, [*path, place]):
                return found
        done.add(place)
        return []

    return next((found for place in sorted(arrows) if (found := walk(place, []))), [])
