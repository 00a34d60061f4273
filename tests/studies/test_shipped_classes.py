"""The classes of the shipped studies' episodes: exactly those that the seed of the sweep draws."""

from __future__ import annotations

import numpy as np
import pytest

from lambda_core.data import load_dataset
from lambda_core.data.class_splits import CIFAR_FS
from lambda_core.episodes import drawn_classes
from lambda_core.studies import Study, list_studies, studies_root

SHIPPED = [study for study in list_studies(studies_root())[0] if study.measured]
GLYPHS = load_dataset("glyphs")
COUNTS = {
    "cifar-fs": {split: len(names) for split, names in CIFAR_FS.items()},
    "fc100": {"val": 20, "test": 20},
    "glyphs": {split: len(names) for split, names in GLYPHS.splits.items()},
    "hand-signs": {"val": 5, "test": 5},
    "mnist": {"val": 5, "test": 5},
    "omniglot": {"val": 158, "test": 659},  # characters of five alphabets of the background set; the evaluation set
}


@pytest.mark.parametrize("split", ["val", "test"])
@pytest.mark.parametrize("study", SHIPPED, ids=lambda study: study.name)
def test_they_follow_from_the_seed(study: Study, split: str) -> None:
    places, sweep = study.classes(split), study.sweep_config
    assert places is not None
    assert sweep is not None
    count = COUNTS[study.dataset][split]
    drawn = [drawn_classes(sweep.seed, split, index, count, study.config.ways) for index in range(sweep.episodes)]
    np.testing.assert_array_equal(places, drawn)


def test_all_have_them_in_little_space() -> None:
    assert len(SHIPPED) >= 15
    tables = [study.episodes for study in SHIPPED if study.episodes is not None]
    size = sum((study.folder / "episodes.parquet").stat().st_size for study in SHIPPED)
    assert size < 1.739 * sum(map(len, tables))  # bytes a row
