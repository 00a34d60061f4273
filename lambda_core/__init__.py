"""Lambda Lab's engine: fast few-shot adaptation under Lambda patterns.

Public names are resolved on first use, so that exploring studies never imports torch. No module has the name of a
public function: a submodule, once imported, would hide it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from lambda_core.config import MetaTrainConfig as MetaTrainConfig
    from lambda_core.data import load_dataset as load_dataset
    from lambda_core.episode import EpisodeBank as EpisodeBank
    from lambda_core.errors import LambdaError as LambdaError
    from lambda_core.inner_loop import Adapted as Adapted
    from lambda_core.inner_loop import adapt as adapt
    from lambda_core.many import adapt_many as adapt_many
    from lambda_core.model import Backbone as Backbone
    from lambda_core.model import conv4 as conv4
    from lambda_core.model import mlp as mlp
    from lambda_core.model import resnet12 as resnet12
    from lambda_core.model import resnet_stages as resnet_stages
    from lambda_core.outer_loop import meta_train as meta_train
    from lambda_core.pattern import LambdaPattern as LambdaPattern
    from lambda_core.plan import count_cost as count_cost
    from lambda_core.select import pareto_front as pareto_front
    from lambda_core.select import select_pattern as select_pattern
    from lambda_core.study import Study as Study
    from lambda_core.study import StudyError as StudyError
    from lambda_core.sweeping import sweep as sweep
    from lambda_core.timing import measure_times as measure_times

_HOMES = {
    "LambdaPattern": "pattern",
    "LambdaError": "errors",
    "StudyError": "errors",
    "MetaTrainConfig": "config",
    "Backbone": "model",
    "conv4": "model",
    "mlp": "model",
    "resnet12": "model",
    "resnet_stages": "model",
    "load_dataset": "data",
    "EpisodeBank": "episode",
    "adapt": "inner_loop",
    "Adapted": "inner_loop",
    "adapt_many": "many",
    "meta_train": "outer_loop",
    "sweep": "sweeping",
    "measure_times": "timing",
    "count_cost": "plan",
    "select_pattern": "select",
    "pareto_front": "select",
    "Study": "study",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lambda_core' has no attribute {name!r}")
    return getattr(import_module(f"lambda_core.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
