"""Progress as lines where there is no terminal."""

from __future__ import annotations

import json

from lambda_core.commands.progress_bar import progress_bar
from lambda_core.system import Progress


def test_lines_are_json_for_machines(capsys):
    with progress_bar(as_json=True) as report:
        report(Progress("sweep", 1, 2, 0.5, 2.0, {"loss": 1.5}))
        report(Progress("sweep", 1, 2, 0.5, 2.0))  # too soon after the first
        report(Progress("sweep", 2, 2, 0.5, 0.0))
    first, last = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert first == {"what": "sweep", "done": 1, "total": 2, "rate": 0.5, "left_s": 2.0, "loss": 1.5}
    assert last["done"] == 2


def test_lines_are_words_for_people(capsys):
    with progress_bar() as report:
        report(Progress("sweep", 1, 2, 0.5, 2.0, {"loss": 1.5}))
    assert capsys.readouterr().err == "sweep: 1/2, 0.50/s, 2 s left, loss 1.500\n"
