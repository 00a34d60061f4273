"""Lambda Lab's engine: fast few-shot adaptation under Lambda patterns.

Public names are resolved on first use, so that exploring studies never imports torch. No module has the name of a
public function: a submodule, once imported, would hide it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from lambda_core.adaptation import Adapted as Adapted
    from lambda_core.adaptation import adapt as adapt
    from lambda_core.adaptation import adapt_many as adapt_many
    from lambda_core.backbones import Backbone as Backbone
    from lambda_core.backbones import conv4 as conv4
    from lambda_core.backbones import layers_of as layers_of
    from lambda_core.backbones import mlp as mlp
    from lambda_core.backbones import resnet12 as resnet12
    from lambda_core.backbones import resnet_stages as resnet_stages
    from lambda_core.config import MetaTrainConfig as MetaTrainConfig
    from lambda_core.data import load_dataset as load_dataset
    from lambda_core.episodes import EpisodeBank as EpisodeBank
    from lambda_core.errors import LambdaError as LambdaError
    from lambda_core.errors import StudyError as StudyError
    from lambda_core.export import export_adaptation as export_adaptation
    from lambda_core.measurement import measure_times as measure_times
    from lambda_core.measurement import sweep as sweep
    from lambda_core.patterns import LambdaPattern as LambdaPattern
    from lambda_core.patterns import count_cost as count_cost
    from lambda_core.selection import pareto_front as pareto_front
    from lambda_core.selection import select_pattern as select_pattern
    from lambda_core.studies import Study as Study
    from lambda_core.training import meta_train as meta_train

_HOMES = {
    "LambdaPattern": "patterns",
    "LambdaError": "errors",
    "StudyError": "errors",
    "MetaTrainConfig": "config",
    "Backbone": "backbones",
    "conv4": "backbones",
    "layers_of": "backbones",
    "mlp": "backbones",
    "resnet12": "backbones",
    "resnet_stages": "backbones",
    "load_dataset": "data",
    "EpisodeBank": "episodes",
    "adapt": "adaptation",
    "Adapted": "adaptation",
    "adapt_many": "adaptation",
    "export_adaptation": "export",
    "meta_train": "training",
    "sweep": "measurement",
    "measure_times": "measurement",
    "count_cost": "patterns",
    "select_pattern": "selection",
    "pareto_front": "selection",
    "Study": "studies",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lambda_core' has no attribute {name!r}")
    return getattr(import_module(f"lambda_core.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
