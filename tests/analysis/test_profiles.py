"""A performance profile counts studies, by what they lose and by what is shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lambda_core.analysis.profiles import RULES, losses, profile
from lambda_core.analysis.study_choice import choose
from lambda_core.selection import SelectionSettings
from lambda_core.studies import Study
from tests.support.synthetic import write_study


def test_shares_by_hand() -> None:
    found = pd.DataFrame({"study": list("abc"), "rule": "it", "lost": [-1.0, 0.4, 3.0], "at_most": [0.2, 1.2, 4.0]})
    table = profile(found, np.array([0.0, 0.5, 5.0]))
    assert table["share"].tolist() == pytest.approx([1 / 3, 2 / 3, 1])
    assert table["shown"].tolist() == pytest.approx([0, 1 / 3, 1])


def test_losses_are_those_of_the_choice_on_test_classes(tmp_path: Path) -> None:
    study = Study.load(write_study(tmp_path, "a", episodes=200, max_steps=5, filters=4))
    found = losses([study], SelectionSettings(2.0))
    assert found["rule"].tolist() == list(RULES)
    _, seen = choose(study, SelectionSettings(2.0))
    assert found["lost"][0] == pytest.approx(seen.degradation.estimate)
    assert (found["at_most"] >= found["lost"]).all()
