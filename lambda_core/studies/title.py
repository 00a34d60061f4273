"""The title of a study: what distinguishes it, in a few words."""

from __future__ import annotations

from lambda_core.config import backbone_title
from lambda_core.patterns import LambdaPattern
from lambda_core.studies.metadata import StudyMetadata

DATASETS = {"cifar-fs": "CIFAR-FS", "fc100": "FC100", "mnist": "MNIST"}  # others have their id with a capital letter


def title_of(metadata: StudyMetadata) -> str:
    """Such as `CIFAR-FS · 5-way 1-shot · 4-CONV`, with what in its training differs from plain MAML."""
    config = metadata.config
    task = f"{config.ways}-way {config.shots}-shot" if config.ways > 1 else f"{config.shots}-shot"
    parts = [dataset_title(config.dataset), task, backbone_title(config.backbone)]
    if config.pretrain_epochs:
        parts.append("pretrained")
    if not ends_with_all_layers(metadata):
        parts.append(f"trained with {config.pattern.upper()}")
    if config.steps == 1:
        parts.append("1 training step")
    if metadata.domain is not None:
        parts.append(f"on {dataset_title(str(metadata.domain.name))}")
    return " · ".join(parts)


def dataset_title(name: str) -> str:
    """The name of a data set as it is written in a sentence."""
    return DATASETS.get(name, name.capitalize())


def ends_with_all_layers(metadata: StudyMetadata) -> bool:
    """Whether the training's inner loop updated all layers, at the end at least."""
    full = LambdaPattern.full(len(metadata.layers))
    return metadata.config.last_pattern in (full.name, str(full))
