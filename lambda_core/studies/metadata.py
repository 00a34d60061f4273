"""study.json: what a study is and how it was made; read with distrust."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, TypeVar

from lambda_core.config import Settings
from lambda_core.errors import ConfigError, StudyError
from lambda_core.studies.tables import first_line

SCHEMA = 2  # 1: some settings under other names (config.py)


NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


LAYER = re.compile(r"[A-Za-z0-9_-]{1,40}")  # layer names are shown on screens and in file names


KINDS = {"dataset": dict, "environment": dict, "commands": list, "created": str, "iterations_done": int}


MAX_BYTES = 1 << 20


S = TypeVar("S", bound=Settings)


def check_name(name: str) -> str:
    """The name itself, if a study may be called so; else StudyError."""
    if not NAME.fullmatch(name):
        raise StudyError(
            f"{name[:80]!r} is no name for a study; use 1 to 64 of a-z, 0-9 and -, starting with a letter or digit, "
            "such as cifar-fs-5w1s"
        )
    return name


def read_about(path: Path) -> dict[str, Any]:
    """The checked content of a study.json; keys that this version does not know are kept. Raises StudyError."""
    about = _parse(path)
    if type(about.get("schema")) is not int or not 1 <= about["schema"] <= SCHEMA:
        raise StudyError(f"{path}: schema {about.get('schema')!r} is not known; this version reads 1 to {SCHEMA}")
    check_name(str(about.get("name")))
    for key, kind in KINDS.items():
        if type(about.get(key)) is not kind:
            raise StudyError(f"{path}: {key!r} must be of type {kind.__name__}")
    _check_input(path, about.get("input"))
    _check_layers(path, about.get("layers"))
    _check_costs(path, about.get("layer_multiply_adds"), len(about["layers"]))
    return about


def settings(path: Path, about: dict[str, Any], key: str, kind: type[S]) -> S | None:
    """The settings under `key` (config, sweep, timing), or None where there are none yet. Raises StudyError."""
    values = about.get(key)
    if values is None:
        return None
    if not isinstance(values, dict):
        raise StudyError(f"{path}: {key!r} must be an object of settings")
    try:
        # beside its settings, a measurement may note the environment that it was made in
        return kind.from_dict({name: value for name, value in values.items() if name != "environment"})
    except ConfigError as error:
        raise StudyError(f"{path}, {key}: {error}") from error


def torch_versions(about: dict[str, Any]) -> dict[str, str]:
    """Part of the study (training, sweep, timing) → version of torch that made it, where it is noted."""
    parts = {"training": about, "sweep": about.get("sweep") or {}, "timing": about.get("timing") or {}}
    noted = {part: values.get("environment") for part, values in parts.items()}
    return {
        part: str(environment["torch"]).split("+")[0]  # +cpu and +cu130 are builds of one version
        for part, environment in noted.items()
        if isinstance(environment, dict) and "torch" in environment
    }


def _parse(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise StudyError(f"{path} is larger than {MAX_BYTES >> 20} MB: that is no study.json of ours")
        about = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except (OSError, ValueError, RecursionError) as error:
        raise StudyError(f"{path} is no readable JSON: {first_line(error)}") from error
    if not isinstance(about, dict):
        raise StudyError(f"{path} holds no JSON object")
    return about


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is no JSON number")


def _check_input(path: Path, size: Any) -> None:
    keys = ("size", "channels")
    if not (isinstance(size, dict) and all(type(size.get(key)) is int and 1 <= size[key] <= 4096 for key in keys)):
        raise StudyError(f"{path}: 'input' must be an object with whole numbers 'size' and 'channels'")


def _check_layers(path: Path, layers: Any) -> None:
    words = isinstance(layers, list) and all(isinstance(name, str) and LAYER.fullmatch(name) for name in layers)
    if not words or not layers or len(set(layers)) != len(layers):
        raise StudyError(f"{path}: 'layers' must list the names of the layers, each once")


def _check_costs(path: Path, costs: Any, layers: int) -> None:
    right = isinstance(costs, list) and len(costs) == layers and all(type(cost) is int and cost >= 0 for cost in costs)
    if costs is not None and not right:
        raise StudyError(f"{path}: 'layer_multiply_adds' must list one whole number a layer")
