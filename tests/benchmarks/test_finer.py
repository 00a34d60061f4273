"""The tables of scale and shift alone: picks of validation classes, told on test classes."""

from __future__ import annotations

import json

from benchmarks.finer import MODEL, in_markdown, picks
from benchmarks.records import RESULTS
from lambda_core.studies.study import Study
from tests.support.synthetic import write_study


def test_each_pattern_is_told_at_the_pick_of_validation_classes(tmp_path):
    study = Study.load(write_study(tmp_path, episodes=40, max_steps=5, lr_scales=(1.0, 4.0), repeats=3))
    rows = {row["pattern"]: row for row in picks(study)}
    assert len(rows) == 31
    assert [pattern for pattern, row in rows.items() if row["gain"] is None] == ["11111"]
    val, test = (study.split(split) for split in ("val", "test"))
    means = val[val["pattern"] == "00011"].groupby(["steps", "lr"])["accuracy"].mean()
    steps, lr = means.idxmax()
    assert (rows["00011"]["steps"], rows["00011"]["step size"]) == (steps, round(float(lr), 6))
    told = test[(test["pattern"] == "00011") & (test["steps"] == steps) & (test["lr"] == lr)]["accuracy"].mean()
    assert abs(rows["00011"]["test accuracy"] - 100 * told) < 1e-4


def test_frozen_layers_have_no_step_size_in_the_table():
    found = json.loads((RESULTS / "finer.json").read_text(encoding="utf-8"))
    text = in_markdown(found)
    assert "| hand-signs | `01111` × 10 | – · " in text
    assert MODEL not in text
