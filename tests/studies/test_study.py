"""What is written comes back as a study."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from lambda_core.config import MetaTrainConfig, SweepConfig, TimingConfig
from lambda_core.errors import StudyError
from lambda_core.studies.study import Study
from lambda_core.studies.tables import Loose
from tests.support.synthetic import LAYER_COSTS, LAYERS, write_study

SCHEMA_1 = Path(__file__).parents[1] / "support" / "fixtures" / "schema1"


def test_study_comes_back_as_written(folder: Path) -> None:
    study = Study.load(folder)
    assert (study.name, study.layers, study.layer_costs) == ("tiny", LAYERS, LAYER_COSTS)
    assert (study.config.filters, study.config.iterations, study.input) == (4, 500, (32, 3))
    assert study.accuracy is not None
    assert len(study.accuracy) == 2 * 3 * (1 + 31 * 2)
    assert study.timing is not None
    assert len(study.timing) == 2 * (1 + 31 * 2)
    assert study.training["val_accuracy"].notna().sum() == 2
    assert not study.measured
    assert "swept for at most 2 steps" in str(study.not_measured)
    assert study.warnings == []


def test_layers_with_scales_own_a_vector_that_may_change(folder: Path) -> None:
    study = Study.load(folder)
    assert study.layers_with_scales == LAYERS
    fewer = replace(study, vectors=study.vectors - {"conv2.norm.weight", "conv2.norm.bias"})
    assert fewer.layers_with_scales == ("conv1", "conv3", "conv4", "head")
    network = {"frozen": ["head.bias", 7, []]}
    frozen = replace(study, metadata=replace(study.metadata, network=network))
    assert frozen.layers_with_scales == LAYERS[:-1]
    damaged = replace(study, metadata=replace(study.metadata, network={"frozen": "head.bias"}))
    assert damaged.layers_with_scales == LAYERS


def test_a_study_says_whether_finer_patterns_were_measured(folder: Path) -> None:
    study = Study.load(folder)
    assert study.accuracy is not None
    finer = study.accuracy.assign(pattern=study.accuracy["pattern"].astype(str).str.replace("00001", "nnnn1"))
    assert [each.has_finer_patterns for each in (study, replace(study, accuracies=None))] == [False, False]
    assert replace(study, accuracies=Loose(finer)).has_finer_patterns


def test_config_objects_of_the_measurements(folder: Path, tmp_path: Path) -> None:
    study = Study.load(folder)
    assert study.sweep_config == SweepConfig(episodes=3, max_steps=2)
    assert study.timing_config == TimingConfig(repeats=2)
    bare = Study.load(write_study(tmp_path, "bare", measured=False, filters=4))
    assert (bare.accuracy, bare.timing, bare.sweep_config, bare.timing_config) == (None, None, None, None)
    assert not bare.measured


def test_schema_1_is_still_read() -> None:
    study = Study.load(SCHEMA_1)
    assert study.config == MetaTrainConfig(dataset="cifar-fs", filters=4, iterations=500)
    assert study.accuracy is not None
    first = study.accuracy.iloc[0]
    assert (first["split"], first["pattern"], first["steps"], first["episode"]) == ("val", "00000", 0, 0)
    assert first["accuracy"] == pytest.approx(0.2)
    assert study.timing is not None
    assert study.timing.groupby(["pattern", "steps"], observed=True).size().unique() == [3]


def test_model_has_the_weights(folder: Path) -> None:
    stored = load_file(folder / "weights.safetensors")
    loaded = Study.load(folder).model().state_dict()
    assert set(loaded) == set(stored)
    assert all(np.array_equal(loaded[name].numpy(), stored[name]) for name in stored)


def test_model_refuses_weights_of_another_input_size(folder: Path) -> None:
    weights = load_file(folder / "weights.safetensors")
    save_file(weights | {"head.weight": weights["head.weight"][:, :8].copy()}, folder / "weights.safetensors")
    with pytest.raises(StudyError, match=r"weights\.safetensors does not fit.*head\.weight"):
        Study.load(folder).model()


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="there is no such folder"):
        Study.load(tmp_path / "nowhere")


def test_exploring_imports_neither_torch_nor_scipy_stats(folder: Path) -> None:
    code = (
        "import sys; from lambda_core.selection import select_pattern; from lambda_core.studies import Study\n"
        f"study = Study.load({str(folder)!r}); val = study.accuracy[study.accuracy.split == 'val']\n"
        "select_pattern(val, study.timing, 2, 1.0)\n"
        "sys.exit(' '.join({'torch', 'scipy.stats'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
