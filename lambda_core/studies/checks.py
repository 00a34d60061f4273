"""What a study on disk must be: regular files inside its folder, right patterns, finite weights of right shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lambda_core.config import BACKBONES, MetaTrainConfig
from lambda_core.errors import PatternError, SelectionError, StudyError
from lambda_core.patterns import LambdaPattern
from lambda_core.selection import check_episode_matrix, parse_step_sizes
from lambda_core.studies.sums import read_file
from lambda_core.studies.tables import Accuracies, Loose
from lambda_core.system import first_line, sum_of

MAX_WEIGHTS_BYTES = 1 << 30


def check_weights(
    folder: Path, layers: Sequence[str], config: MetaTrainConfig, sums: Mapping[str, str] | None = None
) -> tuple[str, frozenset[str]]:
    """Finite weights of the layers that study.json names, in the shapes that can be known without a model.

    sums: those that study.json lists. Returns the SHA-256 of the file, and the names of its vectors: scales, shifts and
    biases.
    """
    from safetensors.numpy import load

    path = folder / "weights.safetensors"
    content = read_file(folder, path.name, sums, MAX_WEIGHTS_BYTES)
    try:
        weights = load(content)
    except (KeyError, TypeError) as error:  # a type that numpy lacks, such as bfloat16
        raise _unread_type(path, first_line(error)) from error
    except Exception as error:  # safetensors raises its own, undocumented kinds
        raise StudyError(f"{path} is no readable safetensors file: {first_line(error)}") from error
    for value in weights.values():
        if value.dtype.kind not in "biuf":  # bfloat16 all the same, taught to numpy by another library
            raise _unread_type(path, str(value.dtype))
    _check_shapes(path, layers, config, weights)
    for name, value in weights.items():
        if not np.isfinite(value).all():
            raise StudyError(f"{path}: {name} holds NaN or infinite weights")
    return sum_of(content), frozenset(name for name, value in weights.items() if _is_vector(name, value))


def _is_vector(name: str, value: np.ndarray) -> bool:
    return value.ndim == 1 and not name.endswith((".running_mean", ".running_var"))


def _unread_type(path: Path, what: str) -> StudyError:
    what = f"weights of a type that is not read here ({what})"
    return StudyError(f"{path} holds {what}; convert them to float32 or float16")


def _check_shapes(path: Path, layers: Sequence[str], config: MetaTrainConfig, weights: dict[str, np.ndarray]) -> None:
    """What can be known without building the model: which layers own weights, and how many outputs ours give."""
    owners = {name.split(".")[0] for name in weights}
    known = BACKBONES.get(config.backbone)
    if set(layers) - owners or (known and owners != set(layers)):
        raise StudyError(f"{path} holds weights of {sorted(owners)}, but the layers are {list(layers)}")
    outputs = dict.fromkeys(layers[:-1], config.filters) if known and known.even else {}
    outputs |= {layers[-1]: config.ways} if known else {}
    for name, value in sorted(weights.items()):
        wanted = outputs.get(name.split(".")[0])
        if wanted is not None and value.ndim and value.shape[0] != wanted:
            raise StudyError(f"{path}: {name} has {value.shape[0]} outputs, but study.json asks for {wanted}")


def check_accuracy(path: Path, accuracies: Accuracies, layers: int) -> None:
    """Splits, patterns, and every candidate on the same episodes."""
    splits = accuracies.blocks["split"]
    wrong = set(splits.cat.categories) - {"val", "test"}
    if wrong:
        raise StudyError(f"{path}: the splits are val and test, not {', '.join(sorted(wrong))}")
    check_patterns(path, accuracies.keys, layers)
    for split in splits.unique() if isinstance(accuracies, Loose) else ():
        try:
            check_episode_matrix(accuracies.split(split))
        except SelectionError as error:
            raise StudyError(f"{path}, split {split}: {error}") from error


def check_episodes(path: Path, frame: pd.DataFrame, accuracies: Accuracies, ways: int) -> None:
    """Every episode of the accuracies, and no other, with as many classes as it tells apart."""
    keys = ["split", "episode"]
    if frame.duplicated().any():
        raise StudyError(f"{path}: an episode has a class twice")
    listed = frame.astype({"split": "str"}).groupby(keys).size()
    if (listed != ways).any():
        raise StudyError(f"{path}: an episode has {int(listed[listed != ways].iloc[0])} classes, not {ways}")
    measured = accuracies.blocks[keys].drop_duplicates().astype({"split": "str"})
    if set(listed.index) != set(measured.itertuples(index=False, name=None)):
        raise StudyError(f"{path} lists other episodes than accuracy.parquet")


def check_patterns(path: Path, frame: pd.DataFrame, layers: int) -> None:
    """Every pattern is canonical, and "no adaptation" is spelled one way: the zero pattern at 0 steps."""
    for text in frame["pattern"].cat.categories:
        try:
            canonical = str(LambdaPattern.parse(text, layers))
        except PatternError as error:
            raise StudyError(f"{path}: {error}") from error
        if canonical != text:
            raise StudyError(f"{path}: pattern {text!r} is not in its shortest form, {canonical}")
    none = str(LambdaPattern.named("none", layers))
    idle = (frame["pattern"] == none).to_numpy()
    if (idle != (frame["steps"] == 0).to_numpy()).any():
        raise StudyError(f"{path}: no adaptation must appear as pattern {none} at 0 steps, and only so")


def check_step_sizes(path: Path, frame: pd.DataFrame, layers: int) -> None:
    """Nothing, or one number above 0 a layer."""
    for text in frame["step_sizes"].cat.categories:
        if text and parse_step_sizes(text, layers) is None:
            raise StudyError(f"{path}: step sizes {text[:40]!r} are not one number above 0 for each of {layers} layers")
