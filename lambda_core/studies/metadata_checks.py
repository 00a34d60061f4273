"""Checks of single values in study.json: each returns the value, or raises a StudyError that names file and key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from lambda_core.config import Settings
from lambda_core.errors import ConfigError, StudyError

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
ON = "@"  # between the name of a study and that of the other data set that it is measured on
LAYER = re.compile(r"[A-Za-z0-9_-]{1,40}")  # layer names are shown on screens and in file names
LARGEST_SIDE = 4096  # pixels; and as many channels

S = TypeVar("S", bound=Settings)
T = TypeVar("T")


def check_name(name: str, *, domain: bool = False) -> str:
    """The name itself, if a study may be called so; else StudyError. domain: NAME@DATASET may be called so, too."""
    parts = name.split(ON, 1) if domain else [name]
    if not all(map(NAME.fullmatch, parts)):
        raise StudyError(
            f"{name[:80]!r} is no name for a study; use 1 to 64 of a-z, 0-9 and -, starting with a letter or digit, "
            "such as cifar-fs-5w1s"
        )
    return name


def name_in(path: Path, name: object, *, domain: bool = False) -> str:
    """The same for a name that stands in a file, which the StudyError names."""
    try:
        return check_name(str(name), domain=domain)
    except StudyError as error:
        raise StudyError(f"{path}: {error}") from error


def of_type(path: Path, content: Mapping[str, Any], key: str, kind: type[T]) -> T:
    """The value under `key`, which must be there and of this type."""
    value = content.get(key)
    if type(value) is not kind:
        raise StudyError(f"{path}: {key!r} must be of type {kind.__name__}")
    return value


def known_values(path: Path, key: str, values: Mapping[str, Any], kinds: Mapping[str, type]) -> dict[str, Any]:
    """The values under the keys that we know, where there are any, each of the right type."""
    known = {name: values[name] for name in kinds if values.get(name) is not None}
    for name, value in known.items():
        right = (int, float) if kinds[name] is float else kinds[name]
        if not isinstance(value, right) or isinstance(value, bool) != (kinds[name] is bool):
            raise StudyError(f"{path}, {key}: {name!r} must be of type {kinds[name].__name__}")
    return known


def settings_of(path: Path, key: str, values: Mapping[str, Any], kind: type[S]) -> S:
    """Settings read from a dictionary. key: where in the file they stand."""
    try:
        return kind.from_dict(dict(values))
    except ConfigError as error:
        raise StudyError(f"{path}, {key}: {error}") from error


def input_shape(path: Path, size: Any) -> tuple[int, int]:
    """(size in pixels, channels) of the images that a backbone takes."""
    keys = ("size", "channels")
    right = isinstance(size, dict) and all(
        type(size.get(key)) is int and 1 <= size[key] <= LARGEST_SIDE for key in keys
    )
    if not right:
        raise StudyError(f"{path}: 'input' must be an object with whole numbers 'size' and 'channels'")
    return size["size"], size["channels"]


def layer_names(path: Path, layers: Any) -> tuple[str, ...]:
    """The names of the layers, each once."""
    names = isinstance(layers, list) and all(isinstance(name, str) and LAYER.fullmatch(name) for name in layers)
    if not names or not layers or len(set(layers)) != len(layers):
        raise StudyError(f"{path}: 'layers' must list the names of the layers, each once")
    return tuple(layers)


def layer_costs(path: Path, costs: Any, layers: int) -> tuple[int, ...] | None:
    """Multiply-adds, one number for each of so many layers; None where they were not recorded."""
    if costs is None:
        return None
    whole = isinstance(costs, list) and all(type(cost) is int and cost >= 0 for cost in costs)
    if not whole or len(costs) != layers:
        raise StudyError(f"{path}: 'layer_multiply_adds' must list one whole number a layer")
    return tuple(costs)
