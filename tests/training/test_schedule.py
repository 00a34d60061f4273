"""The outer step size and the inner loop's pattern over the iterations."""

import math

import pytest

from lambda_core.config import MetaTrainConfig
from lambda_core.errors import PatternError
from lambda_core.training.schedule import TrainingSchedule

CONFIG = MetaTrainConfig(dataset="tiny", iterations=6, steps=2, pattern="00001+11111")


def test_the_cosine_schedule_starts_high_and_ends_low():
    schedule = TrainingSchedule.of(CONFIG, 5)
    assert schedule.meta_lr(0) == CONFIG.meta_lr
    assert math.isclose(schedule.meta_lr(6), 0, abs_tol=1e-12)


def test_a_constant_schedule_stays():
    schedule = TrainingSchedule.of(CONFIG.but(schedule="constant"), 5)
    assert {schedule.meta_lr(iteration) for iteration in range(7)} == {CONFIG.meta_lr}


def test_patterns_share_the_iterations_equally_and_the_last_one_validates():
    schedule = TrainingSchedule.of(CONFIG, 3 + 2)
    head, full = (False,) * 4 + (True,), (True,) * 5
    assert [schedule.rows_at(iteration) for iteration in range(6)] == [[head] * 2] * 3 + [[full] * 2] * 3
    assert schedule.last_rows == [full] * 2


def test_a_pattern_for_other_layers_is_refused():
    with pytest.raises(PatternError, match="5 digits for 4 layers"):
        TrainingSchedule.of(CONFIG, 4)
