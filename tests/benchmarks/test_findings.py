"""The tables of docs/findings.md can be made from the studies that ship."""

import numpy as np
import pytest

from benchmarks.findings import at_home, layer_table, step_table


@pytest.mark.parametrize("study", at_home(), ids=lambda study: study.name)
def test_each_layer_is_told_frozen_and_alone(study):
    table = layer_table(study)

    assert len(table) == 2 * len(study.layers)
    assert np.isfinite(table[["lost", "margin"]].to_numpy(float)).all()


def test_studies_of_some_patterns_or_of_other_images_are_left_out():
    names = {study.name for study in at_home()}

    assert "cifar-fs-5w1s-pretrained" in names
    assert not names & {"fc100-5w5s-pretrained", "cifar-fs-5w1s-pretrained@glyphs"}


def test_steps_go_as_far_as_the_sweep():
    study = next(study for study in at_home() if study.name == "glyphs-5w1s")

    assert step_table(study)["steps"].max() == study.sweep_config.max_steps
