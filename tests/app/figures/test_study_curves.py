"""Curves of one study."""

from __future__ import annotations

import numpy as np

from app.figures import study_curves
from app.figures.palette import LIGHT
from lambda_core.selection.comparison import budget_curve, compare_candidates
from lambda_core.studies.study import Study


def test_a_regression_is_drawn_by_its_loss(study: Study) -> None:
    table = study.training.assign(accuracy=np.nan, val_accuracy=-study.training["loss"])
    figure = study_curves.training(table, "loss", LIGHT)
    assert figure.layout.yaxis.title.text == "loss"
    assert all((np.asarray(line.y) > 0).all() for line in figure.data)
    assert len(figure.data[0].y) == len(table)


def test_budget_curve_never_falls(study: Study) -> None:
    val = study.accuracy[study.accuracy["split"] == "val"]
    curve = budget_curve(compare_candidates(val, study.timing, study.config.steps), [0.0, 1.0, 2.0, 5.0])
    figure = study_curves.budget(curve, 1.0, LIGHT)
    assert (np.diff(figure.data[0].y) >= 0).all()
