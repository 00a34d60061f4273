"""The title says what distinguishes a study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lambda_core.studies.study import Study
from tests.support.synthetic import write_study


@pytest.mark.parametrize(
    ("config", "title"),
    [
        ({}, "CIFAR-FS · 5-way 1-shot · 4-CONV"),
        ({"dataset": "omniglot", "ways": 20}, "Omniglot · 20-way 1-shot · 4-CONV"),
        ({"pattern": "anil", "shots": 5}, "CIFAR-FS · 5-way 5-shot · 4-CONV · trained with ANIL"),
        ({"pretrain_epochs": 3}, "CIFAR-FS · 5-way 1-shot · 4-CONV · pretrained"),
        ({"pattern": "11111", "steps": 1}, "CIFAR-FS · 5-way 1-shot · 4-CONV · 1 training step"),
        ({"dataset": "sinusoid", "ways": 1, "shots": 10}, "Sinusoid · 10-shot · 4-CONV"),
    ],
)
def test_title(tmp_path: Path, config: dict[str, Any], title: str) -> None:
    assert Study.load(write_study(tmp_path, "a", measured=False, filters=4, **config)).title == title
