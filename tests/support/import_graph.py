"""Who imports whom, read from the source: for the rules of ARCHITECTURE.md."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

Modules = dict[str, Path]  # dotted name → file; a folder's own is its __init__.py


@dataclass(frozen=True)
class Import:
    """`from module import name` (name empty: `import module`) in the file of `importer`, a dotted module name."""

    importer: str
    module: str
    name: str
    line: int

    def __str__(self) -> str:
        return f"{self.importer}, line {self.line}: from {self.module} import {self.name}"

    def target(self, modules: Modules) -> str:
        """The module that is imported, or that the name is taken from."""
        whole = f"{self.module}.{self.name}"
        return whole if whole in modules else self.module


def modules_of(root: Path, package: str) -> Modules:
    """Every module of the package in the folder `root`, those of the folders themselves included."""
    files = sorted((root / package).rglob("*.py"))
    names = (".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__") for file in files)
    return dict(zip(names, files, strict=True))


def imports_of(modules: Modules) -> list[Import]:
    """Every import of a package of these modules, relative ones, in functions and under TYPE_CHECKING too."""
    packages = {name.split(".")[0] for name in modules}
    found = [each for importer, file in modules.items() for each in _imports_in(importer, file)]
    return [each for each in found if each.module.split(".")[0] in packages]


def _imports_in(importer: str, file: Path) -> Iterator[Import]:
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.ImportFrom):
            module = ".".join([*_start_of_relative(importer, file, node.level), *filter(None, [node.module])])
            yield from (Import(importer, module, alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (Import(importer, alias.name, "", node.lineno) for alias in node.names)


def _start_of_relative(importer: str, file: Path, level: int) -> list[str]:
    """The folder that so many leading dots stand for."""
    if not level:
        return []
    parts = importer.split(".")
    up = level - (file.name == "__init__.py")
    return parts[: len(parts) - up]


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def folder_of(module: str, modules: Modules) -> str:
    """The folder that a module lies in, such as lambda_core.patterns; a folder is in itself."""
    is_folder = module in modules and modules[module].name == "__init__.py"
    return module if is_folder else module.rpartition(".")[0]


def folders_of(modules: Modules) -> list[str]:
    """Every folder that holds modules, whether it has an __init__.py or not."""
    return sorted({folder_of(name, modules) for name in modules})


def past_a_face(each: Import, modules: Modules) -> bool:
    """Whether a module is taken out of a room from behind its face, or a `_name` out of another folder."""
    target, importer = each.target(modules), folder_of(each.importer, modules)
    if each.name.startswith("_") and folder_of(target, modules) != importer:
        return True
    entered = [room for room in _rooms_around(target, modules) if not _within(importer, room)]
    return bool(entered) and target != entered[0]


def _rooms_around(module: str, modules: Modules) -> list[str]:
    """The folders below the package that a module lies in, outermost first."""
    parts = folder_of(module, modules).split(".")
    return [".".join(parts[:count]) for count in range(2, len(parts) + 1)]


def _within(inner: str, outer: str) -> bool:
    return inner == outer or inner.startswith(f"{outer}.")


def goes_up(each: Import, modules: Modules, levels: Sequence[set[str]]) -> bool:
    """Whether a room imports from its own level or a higher one.

    levels: from top to bottom, of the rooms directly below a package, or of whole packages. The package itself, whose
    public names are resolved on first use, is above all its rooms.
    """
    if _room_name(each.importer, levels) == _room_name(each.target(modules), levels):
        return False
    return _level(each.target(modules), levels) <= _level(each.importer, levels)


def _room_name(module: str, levels: Sequence[set[str]]) -> str:
    package, _, rest = module.partition(".")
    return package if any(package in level for level in levels) else rest.partition(".")[0]


def _level(module: str, levels: Sequence[set[str]]) -> float:
    room = _room_name(module, levels)
    if room in ("", "__main__"):  # a package itself, and its way in
        return -1
    found = [number for number, level in enumerate(levels) if room in level]
    if not found:
        raise LookupError(f"{module} has no place in the list of levels")
    return found[0]


def circle_of_modules(modules: Modules, imports: Sequence[Import]) -> list[str]:
    """Modules that import each other in a circle, the first one repeated at the end; empty where there is none."""
    arrows: dict[str, set[str]] = {}
    for each in imports:
        arrows.setdefault(each.importer, set()).add(each.target(modules))
    return circle(arrows)


def circle_of_rooms(modules: Modules, imports: Sequence[Import]) -> list[str]:
    """The same of folders. A folder and one inside it are one subject: between them only modules count."""
    arrows: dict[str, set[str]] = {}
    for each in imports:
        source, target = folder_of(each.importer, modules), folder_of(each.target(modules), modules)
        if not (_within(source, target) or _within(target, source)):
            arrows.setdefault(source, set()).add(target)
    return circle(arrows)


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


def without_docstring(modules: Modules) -> list[str]:
    """Folders whose __init__.py is missing or does not say what belongs there."""
    return [name for name in folders_of(modules) if name not in modules or not ast.get_docstring(parsed(modules[name]))]


def crowded(modules: Modules, most: int) -> list[str]:
    """Folders with more than `most` modules, their face not counted."""
    counts = Counter(file.parent for file in modules.values() if file.name != "__init__.py")
    return [f"{folder.name}: {count}" for folder, count in counts.items() if count > most]


def hidden_modules(modules: Modules) -> list[str]:
    """Modules that cannot be reached since their folder's face offers something else under the same name."""
    return sorted(
        name
        for name in modules
        if (face := name.rpartition(".")[0]) in modules and name.rpartition(".")[2] in _offered(modules[face])
    )


def _offered(face: Path) -> set[str]:
    """The names in a face's __all__, and in its dictionary of names that are resolved on first use."""
    names: set[str] = set()
    for node in parsed(face).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List | ast.Dict):
            items = node.value.elts if isinstance(node.value, ast.List) else node.value.keys
            names |= {item.value for item in items if isinstance(item, ast.Constant)}
    return names


def definitions_of(file: Path) -> set[str]:
    """Functions, classes, `Class.method` and constants that a file defines."""
    names: set[str] = set()
    for node in parsed(file).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
            methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
            names |= {f"{node.name}.{method.name}" for method in methods}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names
