"""A study's choice: selected on validation classes, confirmed once on test classes. CLI, report and app ask here."""

from __future__ import annotations

from typing import Any

from lambda_core.errors import StudyError
from lambda_core.selection import Axis, Choice, Confirmation, compare_candidates, confirm, rows_under, timing_conditions
from lambda_core.studies import Study


def choose(
    study: Study,
    threshold: float,
    confidence: float = 0.95,
    *,
    any_lr: bool = False,
    axis: Axis = "milliseconds",
    condition: dict[str, Any] | None = None,
) -> tuple[Choice, Confirmation]:
    """The fastest pattern within `threshold` points, and what the test classes say of it.

    condition: the device and threads whose times count, one of `timing_conditions`; by default the first.
    """
    if study.accuracy is None:
        raise StudyError(f"{study.name} has no accuracies yet; make them with: lambda-core sweep {study.folder}")
    if study.timing is None:
        raise StudyError(f"{study.name} has no times yet; make them with: lambda-core time {study.folder}")
    split = study.accuracy["split"]
    val, test = study.accuracy[split == "val"], study.accuracy[split == "test"]
    timing = rows_under(study.timing, condition or timing_conditions(study.timing)[0])
    comparison = compare_candidates(val, timing, study.config.steps, any_lr=any_lr, axis=axis, lr=study.config.lr)
    choice = comparison.choose(threshold, confidence)
    return choice, confirm(choice, test)
