"""A measured synthetic study, and its two splits."""

from __future__ import annotations

import pandas as pd
import pytest

from lambda_core.studies import Study
from tests.support.synthetic import write_study


@pytest.fixture(scope="package")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    root = tmp_path_factory.mktemp("select")
    return Study.load(write_study(root, "small", episodes=300, max_steps=6, repeats=7, filters=4, iterations=500))


@pytest.fixture(scope="package")
def val(study: Study) -> pd.DataFrame:
    return study.split("val")


@pytest.fixture(scope="package")
def unseen(study: Study) -> pd.DataFrame:
    return study.split("test")


@pytest.fixture(scope="package")
def scaled(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Swept at three step sizes."""
    root = tmp_path_factory.mktemp("scaled")
    folder = write_study(root, "a", episodes=40, max_steps=2, filters=4, steps=2, lr_scales=(0.5, 1.0, 2.0))
    return Study.load(folder)
