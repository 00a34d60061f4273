"""The state of a long training in one file: tensors, and a record of everything else; there whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from lambda_core.errors import ConfigError, StudyError
from lambda_core.system import first_line, write_with

Record = dict[str, Any]
Tensors = dict[str, Tensor]


def write_state(path: Path, tensors: Tensors, record: Record) -> None:
    """Raises StudyError where the disk refuses; what was there before is then still there."""
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(record)
    metadata = {"record": text, "sha256": _sum(contiguous, text)}
    try:
        write_with(path, lambda temporary: save_file(contiguous, temporary, metadata))
    except (OSError, SafetensorError) as error:  # safetensors wraps a full disk in an error of its own
        raise StudyError(f"{path.parent}: the checkpoint could not be written ({first_line(error)})") from error


def resume_from(path: Path, restore: Callable[[Record, Tensors], None]) -> None:
    """Calls restore(record, tensors) with what was written to `path`, if anything was.

    Raises StudyError for a damaged file; a ConfigError that `restore` raises passes.
    """
    if found := read_state(path):
        with damage_named(path):
            restore(*found)


def read_state(path: Path) -> tuple[Record, Tensors] | None:
    """What was written to `path`, if anything was. Raises StudyError for a damaged file."""
    if not path.exists():
        return None
    with damage_named(path), safe_open(path, "pt") as file:
        about = file.metadata()
        record: Record = json.loads(about["record"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        if about.get("sha256", "") not in ("", _sum(tensors, about["record"])):  # older ones have none
            raise ValueError("it does not agree with its checksum")
        return record, tensors


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Within: what a damaged or unfit checkpoint raises becomes a StudyError; a ConfigError passes."""
    try:
        yield
    except ConfigError:
        raise
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise StudyError(f"{path}: this checkpoint is damaged ({error}); train again without --resume") from error


def _sum(tensors: dict[str, Tensor], record: str) -> str:
    """SHA-256 of names, types, shapes and values, and of the record."""
    digest = hashlib.sha256(record.encode())
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def with_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names start with `prefix`, by the rest of their names."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def same_settings(then: dict[str, Any], now: dict[str, Any]) -> None:
    """Raises ConfigError naming the first setting of `then` that is another one now."""
    for name, value in then.items():
        if now.get(name) != value:
            raise ConfigError(f"the checkpoint was made with {name} = {value}, not {now.get(name)}")
