"""Start a study with a network of the user's, or one of torchvision's, as it is: nothing is trained."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lambda_core.backbones import (
    HEADS,
    PREFIXES,
    fill_but_head,
    in_our_names,
    own_network,
    own_statistics,
    pretrained_network,
    with_statistics,
)
from lambda_core.config import MetaTrainConfig, is_own
from lambda_core.data import refuse_uniform
from lambda_core.episodes import Source
from lambda_core.errors import ConfigError, StudyError
from lambda_core.measurement import SWEPT_SPLITS
from lambda_core.studies import Study
from lambda_core.system import first_line, prepare, sum_of

LARGEST = 1 << 30  # bytes of a weights file
WHOLE_NUMBERS = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def start_study(
    config: MetaTrainConfig,
    folder: Path,
    *,
    weights: Path | None = None,
    head: str | None = None,
    query_statistics: str | None = None,
    size: int | None = None,
    half: bool = False,
    root: str | None = None,
    command: str = "",
) -> Study:
    """Write a study of config.backbone with the weights of a file; imports the user's code where that names any.

    weights: .safetensors, .pth or .pt; None: new ones. head: kept, zero, equal (`fill_but_head`); None: kept where the
    file's fits, else zero. query_statistics: None: stored where the network holds running ones, else transductive.
    size: pixels of a side that images are brought to; None: those of the data set. half: see `Study.create`.
    Raises LambdaError.
    """
    prepare(threads=1)
    if weights is None and not is_own(config.backbone):
        raise ConfigError(f"{config.backbone} without weights is trained: lambda-core train --dataset {config.dataset}")
    source = _source(config, size, root)
    model = own_network(config, *source.input)
    found, started_from = ({}, None) if weights is None else read_weights(weights)
    _fill(model, config, found, head)
    config = config.but(query_statistics=query_statistics or own_statistics(model))
    with_statistics(model, config.query_statistics)
    return Study.create(folder, model, config, source, command=command, started_from=started_from, half=half)


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """(tensors by name, the file's name and SHA-256) of a file of weights; nothing in it is executed. StudyError."""
    content = _content(path)
    try:
        values = _parsed(path, content)
    except Exception as error:  # safetensors, zip and pickle readers raise their own, undocumented kinds
        raise StudyError(
            f"{path} is no readable file of weights: .safetensors, or what torch.save(model.state_dict(), …) writes"
        ) from error
    if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in values):
        raise StudyError(
            f"{path} holds no state dictionary: tensors by name are what torch.save(model.state_dict()) makes"
        )
    if not values:
        raise StudyError(f"{path} holds no weights")
    for name, value in values.items():
        if isinstance(value, Mapping) and any(isinstance(each, Tensor) for each in value.values()):
            raise StudyError(f"{path} holds weights inside of {name[:80]!r}: save that alone, as a file of its own")
    for name, value in values.items():
        if not _is_whole(value):
            raise StudyError(f"{path}: {name[:80]!r} is no tensor of plain numbers, all of which the file holds")
        if not value.isfinite().all():
            raise StudyError(f"{path}: {name[:80]!r} holds NaN or infinite numbers")
    return dict(values), {"file": path.name, "sha256": sum_of(content)}


def _content(path: Path) -> bytes:
    """Raises StudyError for what is no file, or too large, packed or unpacked."""
    try:
        if not path.is_file():
            raise StudyError(f"{path} is no file")  # a pipe or a device would be read for ever
        if path.stat().st_size > LARGEST:
            raise StudyError(f"{path} is larger than {LARGEST >> 20:,} MB, the most that is read")
        content = path.read_bytes()
    except OSError as error:
        raise StudyError(f"{path} cannot be read: {first_line(error)}") from error
    if _unpacked(content) > LARGEST:
        raise StudyError(f"{path} becomes larger than {LARGEST >> 20:,} MB, the most that is read")
    return content


def _unpacked(content: bytes) -> int:
    """Bytes that a zip archive, torch's own format, says that it becomes; of another file 0."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            return sum(entry.file_size for entry in packed.infolist())
    except Exception:  # bytes from anywhere make zipfile raise nearly anything; torch says what it makes of them
        return 0


def _is_whole(value: Any) -> bool:
    """A dense real tensor whose values are all there: one of a stride of 0 may claim any number from four bytes."""
    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and (value.dtype.is_floating_point or value.dtype in WHOLE_NUMBERS)
        and not value.is_nested
        and value.untyped_storage().nbytes() >= value.nbytes
    )


def _parsed(path: Path, content: bytes) -> Any:
    if path.suffix == ".safetensors":
        from safetensors.torch import load

        return load(content)
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def _source(config: MetaTrainConfig, size: int | None, root: str | None) -> Source:
    source = Source(config.dataset, root)
    if source.images is None:
        raise ConfigError("a study of the sinusoid is trained: lambda-core train --dataset sinusoid")
    refuse_uniform(source.images, SWEPT_SPLITS)
    channels = 3 if config.backbone.startswith(PREFIXES) else source.input[1]
    return Source(config.dataset, root, (size or source.input[0], channels))


def _fill(model: nn.Sequential, config: MetaTrainConfig, weights: dict[str, Tensor], head: str | None) -> None:
    if head not in (None, *HEADS):
        raise ConfigError(f"a head is one of {', '.join(HEADS)}, not {head!r}")
    fill_but_head(model, in_own_names(config, weights) if weights else model.state_dict(), head)


def in_own_names(config: MetaTrainConfig, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights under the names that the network has here; those of torchvision's have others there."""
    if not config.backbone.startswith(PREFIXES):
        return weights
    return in_our_names(weights, pretrained_network(config.backbone, config.ways)[1])
