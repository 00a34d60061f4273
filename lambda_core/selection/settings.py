"""What a selection is asked: one value that command line, report, race, transfer and app pass on whole."""

from __future__ import annotations

from dataclasses import dataclass

from lambda_core.errors import SelectionError
from lambda_core.selection.paired_tests import check_confidence, check_threshold
from lambda_core.selection.speed import AXES, Axis, TimingCondition


@dataclass(frozen=True)
class SelectionSettings:
    """threshold: allowed degradation, points. confidence: of the verdicts, over all candidates together.

    axis: what faster means, milliseconds or multiply_adds. any_lr: look at step sizes other than the study's own too.
    condition: the device and threads whose times count; None: those that the study was timed under most.
    memory: bytes that an adaptation may need at its most; None: any number.
    Raises SelectionError for values that no honest choice can be made with.
    """

    threshold: float = 1.0
    confidence: float = 0.95
    axis: Axis = "milliseconds"
    any_lr: bool = False
    condition: TimingCondition | None = None
    memory: int | None = None

    def __post_init__(self) -> None:
        check_threshold(self.threshold)
        check_confidence(self.confidence)
        if self.axis not in AXES:
            raise SelectionError(f"speed is measured in {' or '.join(AXES)}, not {self.axis!r}")
        if self.memory is not None and self.memory < 0:
            raise SelectionError(f"memory is a number of bytes, not {self.memory}")
