"""The model of many workers, against what it must say at its ends, and against the last measurement."""

from __future__ import annotations

import json

import pytest

from benchmarks.scaling import DOCUMENT, PROCESSES, RESULT, achieved, predicted, with_tables
from benchmarks.scaling_model import NETWORK_BYTES, NETWORK_LATENCY, Sweeping, Training, ring


def test_a_sweep_gains_until_its_parts_are_spread():
    free = Sweeping(start=0.0, chunk=5.0, merge=0.0)
    assert [free.speed_up(1000, workers) for workers in (1, 2, 10, 100, 1000)] == [1, 2, 10, 100, 100]
    real = Sweeping(start=5.0, chunk=5.0, merge=0.01)
    assert real.seconds(1000, 1) == 5 + 100 * 5 + 1
    assert real.speed_up(1000, 100) == pytest.approx(506 / 11)


def test_training_gains_no_more_than_there_are_tasks():
    training = Training(task=0.1, rest=0.0, size=4_000_000)
    for batch in (4, 16, 256):
        gains = [training.speed_up(batch, workers) for workers in (1, 2, 4, 16, 256, 1024)]
        assert all(gain <= min(batch, workers) for gain, workers in zip(gains, (1, 2, 4, 16, 256, 1024), strict=True))
    assert training.speed_up(5, 4) < 2.5, "one process has two tasks, and the others wait"


def test_an_exchange_sends_its_bytes_and_waits_for_its_messages():
    assert ring(10**9, 1) == 0
    assert ring(0, 3) == pytest.approx(4 * NETWORK_LATENCY)
    assert ring(10**12, 1000) == pytest.approx(2 * 10**12 / NETWORK_BYTES, rel=0.01)


IDEAL = {
    "by": "clock",
    "environment": {"processor": "a processor", "cores": 2, "torch": "2"},
    "sweep": {str(count): {"rate": 1.5 * min(count, 2), "start": 5.0, "megabytes": 700.0} for count in PROCESSES},
    "far": {"0": {"seconds": 0.66, "megabytes": 700.0}, "9990": {"seconds": 0.67, "megabytes": 700.0}},
    "merge": 0.01,
    "training": {
        str(count): {
            "iteration": 4 / min(count, 2) * 0.1,
            "own": 4 / min(count, 2) * 0.1,
            "gradient": 0.4,
            "reduce": 0.0,
            "size": 100,
            "megabytes": 900.0,
        }
        for count in PROCESSES
    },
}  # two cores, on which nothing is lost


def test_an_ideal_measurement_is_predicted_and_told():
    for count in PROCESSES:
        assert achieved(IDEAL, count) == pytest.approx(predicted(IDEAL, count))
    text = with_tables("before\n<!-- scaling -->\nold\n<!-- end -->\nafter", IDEAL)
    assert "| 2 | 3.00 | 100% | 3.00 | 700 | 0.200 | 2.00× | 0.200 | 900 |" in text
    assert "old" not in text
    assert with_tables(text, IDEAL) == text


def test_processor_times_of_more_processes_than_cores_take_turns():
    crowded = IDEAL | {"by": "processor"}
    assert achieved(crowded, 2) == achieved(IDEAL, 2)
    assert achieved(crowded, 4) == (IDEAL["sweep"]["4"]["rate"] / 2, IDEAL["training"]["4"]["iteration"] * 2)


measured = pytest.mark.skipif(not RESULT.exists(), reason="python -m benchmarks.scaling was not run yet")


@measured
def test_sweeps_go_as_predicted_and_training_no_faster():
    found = json.loads(RESULT.read_text(encoding="utf-8"))
    for count in PROCESSES[1:]:
        (rate, iteration), (rate_predicted, iteration_predicted) = achieved(found, count), predicted(found, count)
        assert rate == pytest.approx(rate_predicted, rel=0.15)
        assert iteration > 0.85 * iteration_predicted  # the document says by how much it stays behind


@measured
def test_the_document_shows_the_last_measurement():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert with_tables(text, json.loads(RESULT.read_text(encoding="utf-8"))) == text
