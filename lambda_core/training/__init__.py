"""The outer loop: meta-training with its objective, schedule, validation, log and checkpoint; classification before it.

Belongs here: what changes the initial weights. Does not: writing a study (`workflows`).
"""

from lambda_core.training.distributed import from_first, process_group, was_restarted
from lambda_core.training.meta_trainer import MetaTrainer, meta_train
from lambda_core.training.objective import Objective

__all__ = [
    "MetaTrainer",
    "Objective",
    "from_first",
    "meta_train",
    "process_group",
    "was_restarted",
]
