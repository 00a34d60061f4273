"""Learn: every scene opens and takes its controls."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lambda_core.backbones.networks import build_model
from lambda_core.config import RECIPES, MetaTrainConfig
from lambda_core.studies.metadata import StudyMetadata
from lambda_core.studies.study import Study
from lambda_core.studies.tables import write_table
from lambda_core.studies.writing import write_metadata, write_weights
from tests.app.conftest import Open, checked, param, said
from tests.support.synthetic import write_study


@pytest.mark.parametrize("scene", ["2", "3", "4", "5"])
@pytest.mark.parametrize("present", ["0", "1"])
def test_every_scene(open_page: Open, scene: str, present: str) -> None:
    app = open_page("learn", scene=scene, present=present)
    assert f"Scene {scene} of 5" in said(app)
    assert not app.error


def test_turns_and_keeps_its_scene_in_the_address(open_page: Open) -> None:
    app = open_page("learn", scene="2")
    checked(next(button for button in app.button if button.label == "Next").click().run())
    assert param(app, "scene") == "3"


def test_without_a_sinusoid_study_says_which_command(open_page: Open) -> None:
    app = open_page("learn")
    assert "lambda-core train --dataset sinusoid" in app.error[0].value


def test_adapts_a_sine_curve(open_page: Open, tmp_path: Path) -> None:
    write_sinusoid(tmp_path)
    os.environ["LAMBDA_STUDIES"] = str(tmp_path)  # open_page restores it
    app = open_page("learn", steps="3")
    assert "After **3** steps its error" in said(app)
    checked(next(button for button in app.button if button.label == "Another curve").click().run())
    assert param(app, "seed") == "8"


def write_sinusoid(root: Path) -> None:
    """An untrained sinusoid study, as `lambda-core train` writes it."""
    config = MetaTrainConfig.from_dict({"dataset": "sinusoid"} | RECIPES["sinusoid"])
    sample = write_study(root / "elsewhere", measured=False)
    content = Study.load(sample).metadata.to_dict() | {
        "name": "sinusoid", "config": config.to_dict(), "layers": ["hidden1", "hidden2", "head"],
        "layer_multiply_adds": [400, 16000, 400], "input": {"size": 1, "channels": 1},
    }  # fmt: skip
    folder = root / "sinusoid"
    folder.mkdir()
    write_metadata(folder, StudyMetadata.from_dict(content))
    write_weights(folder, build_model(config, 1, 1).state_dict())
    write_table(folder, "training", Study.load(sample).training)
