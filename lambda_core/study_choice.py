"""A study's choice: selected on validation classes, confirmed once on test classes. CLI, report and app ask here."""

from __future__ import annotations

from lambda_core.costs import Axis
from lambda_core.errors import StudyError
from lambda_core.select import Choice, Confirmation, confirm, weigh
from lambda_core.study import Study


def choose(
    study: Study,
    threshold: float,
    confidence: float = 0.95,
    *,
    any_lr: bool = False,
    axis: Axis = "milliseconds",
) -> tuple[Choice, Confirmation]:
    """The fastest pattern within `threshold` points, and what the test classes say of it."""
    if study.accuracy is None:
        raise StudyError(f"{study.name} has no accuracies yet; make them with: lambda-core sweep {study.folder}")
    if study.timing is None:
        raise StudyError(f"{study.name} has no times yet; make them with: lambda-core time {study.folder}")
    split = study.accuracy["split"]
    val, test = study.accuracy[split == "val"], study.accuracy[split == "test"]
    evidence = weigh(val, study.timing, study.config.steps, any_lr=any_lr, axis=axis, lr=study.config.lr)
    choice = evidence.choose(threshold, confidence)
    return choice, confirm(choice, test)
