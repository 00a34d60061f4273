"""Start a study with a network of the user's, or one of torchvision's, as it is: nothing is trained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
from lambda_core.episodes import Source
from lambda_core.errors import ConfigError, StudyError
from lambda_core.studies import Study
from lambda_core.system import first_line, prepare, sum_of

LARGEST = 1 << 30  # bytes of a weights file


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
    try:
        if path.stat().st_size > LARGEST:
            raise StudyError(f"{path} is larger than {LARGEST >> 20:,} MB, the most that is read")
        content = path.read_bytes()
    except OSError as error:
        raise StudyError(f"{path} cannot be read: {first_line(error)}") from error
    try:
        values = _parsed(path, content)
    except Exception as error:  # safetensors, zip and pickle readers raise their own, undocumented kinds
        raise StudyError(
            f"{path} is no readable file of weights: .safetensors, or what torch.save(model.state_dict(), …) writes"
        ) from error
    if not isinstance(values, Mapping) or not all(isinstance(value, Tensor) for value in values.values()):
        raise StudyError(
            f"{path} holds no state dictionary: tensors by name are what torch.save(model.state_dict()) makes"
        )
    return dict(values), {"file": path.name, "sha256": sum_of(content)}


def _parsed(path: Path, content: bytes) -> Any:
    if path.suffix == ".safetensors":
        from safetensors.torch import load

        return load(content)
    import io

    import torch

    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def _source(config: MetaTrainConfig, size: int | None, root: str | None) -> Source:
    source = Source(config.dataset, root)
    if source.images is None:
        raise ConfigError("a study of the sinusoid is trained: lambda-core train --dataset sinusoid")
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
