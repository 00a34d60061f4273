"""The training table: means over a few iterations, and what a resumed run gets back."""

import math

import pytest

from lambda_core.training.training_log import ROW_EVERY, TrainingLog


@pytest.fixture
def log():
    log = TrainingLog()
    for value in range(ROW_EVERY):
        log.add(float(value), value / 10)
    return log


def test_a_row_holds_the_means_since_the_last_one(log):
    assert log.row_is_due
    log.end_row(10, math.nan, 2.5)
    assert log.table.loc[0].tolist()[:3] == [10, 4.5, pytest.approx(0.45)]
    assert not log.row_is_due


def test_the_latest_values_are_those_of_the_last_iteration(log):
    assert log.latest == {}
    log.end_row(10, 0.6, 2.5)
    log.add(7.0, 0.1)
    assert log.latest == {"loss": 7.0, "val_accuracy": 0.6}


def test_a_restored_log_goes_on_where_it_was(log):
    log.end_row(10, 0.6, 2.5)
    log.add(7.0, 0.1)
    other = TrainingLog()
    other.restore(log.as_record())
    for each in (log, other):
        each.add(9.0, 0.3)
        each.end_row(12, math.nan, 3.0)
    assert log.table.equals(other.table)
