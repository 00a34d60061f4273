"""A performance profile over studies: the share of them that lose at most τ points, against τ (Dolan and Moré 2002).

In place of counting how often something passes at one threshold: every threshold is seen, and what each study loses.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lambda_core.analysis.study_choice import compare_study
from lambda_core.patterns import full_like
from lambda_core.selection import (
    Candidate,
    Choice,
    Floats,
    PairedDifference,
    SelectionSettings,
)
from lambda_core.studies import Study

POINTS = np.array([0.0, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0])  # τ of the report's table
RULES = ("the choice", "head only, own steps", "last two layers, own steps")


def losses(studies: Sequence[Study], settings: SelectionSettings) -> pd.DataFrame:
    """A row a study and rule: study, rule, lost, at_most (points on test classes, beside all layers at own steps).

    at_most: the upper bound, which holds with settings.confidence for each row by itself, for new episodes of these
    classes with this model. Raises SelectionError and StudyError.
    """
    rows = []
    for study in studies:
        test = study.scores("test")
        choice = compare_study(study, settings).choose(settings.threshold, settings.confidence)
        reference = test.row(choice.reference)
        for rule, candidate in zip(RULES, _candidates(study, choice), strict=True):
            own = test.row(candidate)
            paired = PairedDifference.in_points(reference, own)
            same = candidate.is_same(choice.reference)
            most = 0.0 if same else paired.upper(1 - settings.confidence).item()
            rows.append((study.name, rule, paired.mean.item(), most))
    return pd.DataFrame(rows, columns=["study", "rule", "lost", "at_most"])


def profile(found: pd.DataFrame, points: Floats = POINTS) -> pd.DataFrame:
    """A row a rule and τ: rule, points, share (of the studies that lose at most τ in the mean), shown (by the bound).

    found: `losses`.
    """
    rows = [
        (rule, each, float((of["lost"] <= each).mean()), float((of["at_most"] <= each).mean()))
        for rule, of in found.groupby("rule", sort=False)
        for each in points
    ]
    return pd.DataFrame(rows, columns=["rule", "points", "share", "shown"])


def _candidates(study: Study, choice: Choice) -> list[Candidate]:
    layers = len(full_like(choice.pattern))
    patterns = ["1".rjust(layers, "0"), "11".rjust(layers, "0")]
    return [choice.candidate, *(Candidate(each, study.config.steps, study.config.lr) for each in patterns)]
